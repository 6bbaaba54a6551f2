"""An Appointment as scheduling sees it: who is in it, what is due, and which way it may go.

https://hl7.org/fhir/R4/appointment.html. The participants say who has agreed: the patient is tentative
while a time is only chosen, the practitioner needs-action until they approve. Status follows from
that, and from whether something is still to be paid.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.codec import Resource
from fhir_server.errors import Conflict
from fhir_server.extensions import EXTENSION, find, put
from fhir_server.instants import instant
from fhir_server.storage.occupied import HELD_UNTIL

SCHEDULE = f"{EXTENSION}schedule"
FEE = f"{EXTENSION}fee"
PAYMENT = f"{EXTENSION}payment-status"
VIRTUAL = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
"""R5's Appointment.virtualService, by the rule that names its elements in R4."""
REASONS_OF_HL7 = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
REASONS = "urn:medconsult:cancellation"

PATIENT, PRACTITIONER, SERVER = "patient", "practitioner", "server"
_BOTH = frozenset({PATIENT, PRACTITIONER, SERVER})
_STAFF = frozenset({PRACTITIONER, SERVER})
_SERVER = frozenset({SERVER})

TRANSITIONS: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "proposed": {"proposed": _BOTH, "pending": _BOTH, "booked": _BOTH, "cancelled": _BOTH},
        "waitlist": {"proposed": _SERVER, "cancelled": _BOTH},
        # Nobody but who has verified the payment books what has to be paid.
        "pending": {"pending": _BOTH, "booked": _SERVER, "cancelled": _BOTH, "proposed": _BOTH},
        "booked": {
            "proposed": _BOTH,
            "booked": _BOTH,
            "arrived": _BOTH,
            "checked-in": _STAFF,
            "fulfilled": _STAFF,
            "noshow": _STAFF,
            "cancelled": _BOTH,
        },
        "arrived": {"checked-in": _STAFF, "fulfilled": _STAFF, "cancelled": _STAFF},
        "checked-in": {"fulfilled": _STAFF, "cancelled": _STAFF},
    }
)
"""From status to status, and who may take that way."""

CANCELLATIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "withdrawn": ("pat", "Withdrawn by the patient"),
        "cancelled": ("pat", "Cancelled by the patient"),
        "rejected": ("prov", "Declined by the practitioner"),
        "cancelled-by-practice": ("prov", "Cancelled by the practice"),
        "expired": ("other", "The time was not held any longer"),
    }
)
"""Our reasons, each with HL7's code and its words."""


def move(appointment: Resource, status: str, by: str) -> None:
    """Give it the status; Conflict when there is no way there, or not for them."""
    before = appointment["status"]
    if by not in TRANSITIONS.get(before, {}).get(status, frozenset()):
        raise Conflict(
            f"Appointment/{appointment['id']} is {before}; as {by} you cannot make it {status}.",
            "Appointment.status",
            reason="not-possible",
        )
    appointment["status"] = status


def next_status(appointment: Resource) -> str:
    """Return what the participants and the payment make of it."""
    if any(each["status"] != "accepted" for each in appointment["participant"]):
        return "proposed"
    return "pending" if is_due(appointment) else "booked"


def is_due(appointment: Resource) -> bool:
    """Tell whether something is still to be paid."""
    return fee(appointment) is not None and payment(appointment) != "paid"


def fee(appointment: Resource) -> tuple[Decimal, str] | None:
    """Return amount and currency; None when nothing is charged."""
    money = find(appointment, FEE).get("valueMoney")
    return (Decimal(str(money["value"])), str(money["currency"])) if money else None


def payment(appointment: Resource) -> str:
    """Return the payment's status: open, paid, failed, expired, refunded, partially-refunded; "" for none."""
    return str(find(appointment, PAYMENT).get("valueCode", ""))


def schedule(appointment: Resource) -> str:
    """Return the id of the Schedule it is booked in; "" when another system made it."""
    reference = find(appointment, SCHEDULE).get("valueReference", {}).get("reference", "")
    return str(reference.rpartition("/")[2])


def actor(appointment: Resource, type_: str) -> str:
    """Return the reference of the first participant of the type; "" when there is none."""
    return str(participant(appointment, type_).get("actor", {}).get("reference", ""))


def participant(appointment: Resource, type_: str) -> dict[str, Any]:
    for each in appointment.get("participant", []):
        if each.get("actor", {}).get("reference", "").startswith(f"{type_}"):
            found: dict[str, Any] = each
            return found
    return {}


def agree(appointment: Resource, type_: str, status: str = "accepted") -> None:
    """Note that the participant has accepted, declined, or still has to say."""
    participant(appointment, type_)["status"] = status


def reason(appointment: Resource) -> str:
    """Return our code of why it was cancelled; "" when it was not, or elsewhere."""
    for coding in appointment.get("cancelationReason", {}).get("coding", []):
        if coding.get("system") == REASONS:
            return str(coding["code"])
    return ""


def cancelled_for(code: str, words: str = "") -> dict[str, Any]:
    """Return the cancelationReason."""
    hl7, shown = CANCELLATIONS[code]
    coding = [
        {"system": REASONS, "code": code, "display": shown},
        {"system": REASONS_OF_HL7, "code": hl7},
    ]
    return {"coding": coding, "text": words or shown}


def hold(appointment: Resource, until: datetime | None) -> None:
    """Let it take its time until then; None when it does for good, or no more."""
    put(appointment, HELD_UNTIL, {"valueInstant": instant(until)} if until else None)


def room(appointment: Resource) -> str:
    """Return the address where the people of the visit meet; "" when there is none."""
    for part in find(appointment, VIRTUAL).get("extension", []):
        if part.get("url") == "addressUrl":
            return str(part.get("valueUrl", ""))
    return ""


def meet(appointment: Resource, template: str) -> None:
    """Give it a room of its own, whose name nobody guesses."""
    if template and not room(appointment):
        address = template.replace("{room}", secrets.token_urlsafe(16))
        put(appointment, VIRTUAL, {"extension": [{"url": "addressUrl", "valueUrl": address}]})
