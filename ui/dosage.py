"""A dose in parts, which reads back as a sentence: "1 tablet twice a day for 7 days".

https://hl7.org/fhir/R4/dosage.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from fhir_server.codec import Resource
from fhir_server.extensions import claiming
from smart_auth.wording import later, say
from ui.pages import concept

UNITS = {
    "tablet": later("tablet"),
    "capsule": later("capsule"),
    "ml": "ml",
    "drop": later("drop"),
    "puff": later("puff"),
    "sachet": later("sachet"),
    "patch": later("patch"),
    "application": later("application"),
}
_OFTEN = {1: "once", 2: "twice"}
MOST_TIMES, MOST_DAYS, MOST_REPEATS = 24, 365, 11


@dataclass(frozen=True, slots=True)
class Prescription:
    """What a prescription form holds."""

    medicine: str = ""
    amount: Decimal = Decimal(1)
    unit: str = "tablet"
    times: int = 1
    """A day."""
    days: int = 7
    repeats: int = 0
    substitution: bool = True
    advice: str = ""

    @property
    def sentence(self) -> str:
        amount = f"{self.amount.normalize():f}"
        unit = self.unit if self.amount <= 1 or self.unit == "ml" else f"{self.unit}s"
        often = _OFTEN.get(self.times, f"{self.times} times")
        length = "for 1 day" if self.days == 1 else f"for {self.days} days"
        return f"{amount} {unit} {often} a day {length}" + (
            f". {self.advice}" if self.advice else ""
        )


WHOLE = later("Write a whole number from %(least)s to %(most)s.")


def read(form: Mapping[str, str]) -> tuple[Prescription, dict[str, str]]:
    """Return what the form says, and what is wrong with it by field."""
    errors: dict[str, str] = {}
    medicine = form.get("medicine", "").strip()[:200]
    if not medicine:
        errors["medicine"] = later(
            "Write the medicine with its strength, such as Ramipril 5 mg tablet."
        )
    try:
        amount = Decimal(form.get("amount", "1").replace(",", ".") or "1")
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and 0 < amount <= 1000):
        errors["amount"] = later("Write how much at a time, as a number.")
        amount = Decimal(1)
    numbers = {}
    for name, most, least in (
        ("times", MOST_TIMES, 1),
        ("days", MOST_DAYS, 1),
        ("repeats", MOST_REPEATS, 0),
    ):
        text = form.get(name, "") or str(least)
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            errors[name] = say(WHOLE, least=least, most=most)
            text = str(least)
        numbers[name] = int(text)
    unit = form.get("unit", "tablet")
    written = Prescription(
        medicine,
        amount,
        unit if unit in UNITS else "tablet",
        numbers["times"],
        numbers["days"],
        numbers["repeats"],
        "substitution" in form,
        form.get("advice", "").strip()[:300],
    )
    return written, errors


def request_of(
    written: Prescription, patient: str, requester: Mapping[str, str], when: str, group: str
) -> Resource:
    """Return the MedicationRequest."""
    repeat = {
        "boundsDuration": {
            "value": written.days,
            "unit": "day",
            "system": "http://unitsofmeasure.org",
            "code": "d",
        },
        "frequency": written.times,
        "period": 1,
        "periodUnit": "d",
    }
    dose = {"doseQuantity": {"value": written.amount, "unit": written.unit}}
    return {
        "resourceType": "MedicationRequest",
        "meta": claiming("prescription"),
        "status": "active",
        "intent": "order",
        "groupIdentifier": {"system": "urn:medconsult:prescription", "value": group},
        "medicationCodeableConcept": {"text": written.medicine},
        "subject": {"reference": patient},
        "authoredOn": when,
        "requester": dict(requester),
        "dosageInstruction": [
            {"text": written.sentence, "timing": {"repeat": repeat}, "doseAndRate": [dose]}
        ],
        "dispenseRequest": {"numberOfRepeatsAllowed": written.repeats},
        "substitution": {"allowedBoolean": written.substitution},
    }


def warnings(
    written: Prescription, allergies: Sequence[Resource], active: Sequence[Resource]
) -> list[str]:
    """Return what of the record speaks against it, by the names as they are written.

    A help to the memory and no more: substances are not looked up.
    """
    words = _words(written.medicine)
    found = [
        say("The record names an allergy to %(substance)s.", substance=concept(each.get("code")))
        for each in allergies
        if words & _words(concept(each.get("code")))
    ]
    found += [
        say(
            "%(medicine)s is already being taken.",
            medicine=concept(each.get("medicationCodeableConcept")),
        )
        for each in active
        if words & _words(concept(each.get("medicationCodeableConcept")))
    ]
    return found


_COMMON = frozenset({"tablet", "capsule", "inhaler", "cream", "drops", "solution", "allergy"})


def _words(text: str) -> set[str]:
    plain = "".join(letter if letter.isalpha() else " " for letter in text.casefold())
    return {each for each in plain.split() if len(each) > 4 and each not in _COMMON}
