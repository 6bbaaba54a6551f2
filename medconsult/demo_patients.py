"""A hundred made-up patients with histories, the same at every start of the same day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

from medconsult.demo_practice import DOCTORS, SNOMED, Record

COUNT = 100
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_WOMEN = (
    "Amina Beatriz Clara Dunja Elena Farah Greta Hana Ilse Jana Kira Leila Mira Noor Olga Paula"
)
_MEN = "Adem Boris Carlos David Emil Faisal Georg Hugo Ivan Jonas Kemal Luis Marek Nabil Otto Pavel"
_FAMILIES = (
    "Adler Bauer Castro Dogan Engel Fischer Garcia Hoang Ivanov Jansen Kaya Lang Moser Nguyen Okoye"
    " Petrov Quist Richter Silva Thomsen Unger Vogel Weber Yildiz Zimmer"
)
# Names that a page has to have room for, and from right to left; they are on the demo practitioner's day.
_OTHERS = {1: "ليلى حداد", 2: "Anne-Sophie Featherstonehaugh-Wolfeschlegelstein"}
# SNOMED CT code, words, least age, share of those old enough
_CONDITIONS = (
    ("38341003", "High blood pressure", 40, 0.45),
    ("44054006", "Diabetes type 2", 45, 0.2),
    ("195967001", "Asthma", 5, 0.12),
    ("40930008", "Underactive thyroid", 30, 0.12),
    ("37796009", "Migraine", 15, 0.15),
    ("35489007", "Depression", 18, 0.12),
)
# What is taken for what: words, dose, times a day
_MEDICINES = {
    "38341003": ("Ramipril 5 mg tablet", 1),
    "44054006": ("Metformin 500 mg tablet", 2),
    "195967001": ("Salbutamol 100 µg inhaler", 2),
    "40930008": ("Levothyroxine 50 µg tablet", 1),
    "37796009": ("Sumatriptan 50 mg tablet", 1),
    "35489007": ("Sertraline 50 mg tablet", 1),
}
_ALLERGIES = (("91936005", "Penicillin"), ("300913006", "Shellfish"), ("232347008", "Dander"))
# LOINC code, words, category, unit, middle value and spread
_MEASURES = (
    ("8480-6", "Systolic blood pressure", "vital-signs", "mm[Hg]", 128, 9),
    ("8462-4", "Diastolic blood pressure", "vital-signs", "mm[Hg]", 80, 6),
    ("8867-4", "Heart rate", "vital-signs", "/min", 72, 6),
    ("29463-7", "Body weight", "vital-signs", "kg", 74, 2),
    ("2345-7", "Glucose", "laboratory", "mg/dL", 98, 9),
)
_YEARS = 3


def people(today: date) -> Iterator[Record]:
    """Yield each patient, then what is known of them."""
    for number in range(1, COUNT + 1):
        yield from _one(number, today)


def names() -> list[tuple[str, str]]:
    """Return ids and names."""
    return [(f"demo-p{number:03}", _name(number)) for number in range(1, COUNT + 1)]


def _name(number: int) -> str:
    if number in _OTHERS:
        return _OTHERS[number]
    given = (_WOMEN if number % 2 else _MEN).split()[number * 5 % 16]
    families = _FAMILIES.split()
    return f"{given} {families[number * 7 % len(families)]}"


def _one(number: int, today: date) -> Iterator[Record]:
    random = Random(number)  # noqa: S311 - made-up data
    id_, name = f"demo-p{number:03}", _name(number)
    age = random.randrange(2, 88)
    doctor = DOCTORS[number % len(DOCTORS)]
    given, _, family = name.partition(" ")
    born = today - timedelta(days=365 * age + random.randrange(365))
    subject = {"reference": f"Patient/{id_}", "display": name}
    yield {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": "urn:medconsult:demo", "value": id_}],
        "active": True,
        "name": [{"family": family, "given": [given]}],
        "gender": "female" if number % 2 else "male",
        "birthDate": f"{born}",
        "telecom": [{"system": "email", "value": f"{id_}@demo.example"}],
        "generalPractitioner": [{"reference": f"Practitioner/{doctor.id}", "display": doctor.name}],
        "managingOrganization": {"reference": "Organization/demo-practice"},
    }
    yield from _diagnoses(id_, subject, age, doctor.id, today, random)
    yield from _measured(id_, subject, age, today, random)


def _diagnoses(
    id_: str, subject: Record, age: int, doctor: str, today: date, random: Random
) -> Iterator[Record]:
    for code, words, least, share in _CONDITIONS:
        if age >= least and random.random() < share:
            since = today - timedelta(days=random.randrange(200, 3000))
            yield {
                "resourceType": "Condition",
                "id": f"{id_}-c{code}",
                "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
                "code": {"coding": [{"system": SNOMED, "code": code}], "text": words},
                "subject": subject,
                "onsetDateTime": f"{since}",
            }
            yield _medicine(id_, subject, code, doctor, since)
    if random.random() < 0.3:
        code, words = random.choice(_ALLERGIES)
        yield {
            "resourceType": "AllergyIntolerance",
            "id": f"{id_}-allergy",
            "clinicalStatus": {"coding": [{"system": _ALLERGY, "code": "active"}]},
            "code": {"coding": [{"system": SNOMED, "code": code}], "text": words},
            "patient": subject,
            "criticality": "high" if words == "Penicillin" else "low",
        }


def _medicine(id_: str, subject: Record, code: str, doctor: str, since: date) -> Record:
    words, times = _MEDICINES[code]
    return {
        "resourceType": "MedicationRequest",
        "id": f"{id_}-m{code}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": words},
        "subject": subject,
        "authoredOn": f"{since}",
        "requester": {"reference": f"Practitioner/{doctor}"},
        "dosageInstruction": [
            {
                "text": f"1 dose, {times} a day",
                "timing": {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}},
            }
        ],
    }


def _measured(id_: str, subject: Record, age: int, today: date, random: Random) -> Iterator[Record]:
    weight = 74 if age > 17 else 12 + 3 * age
    for visit in range(_YEARS):
        day = today - timedelta(days=365 * visit + random.randrange(20, 300))
        for code, words, category, unit, middle, spread in _MEASURES:
            usual = weight if unit == "kg" else middle
            yield _observation(
                f"{id_}-o{visit}-{code}",
                subject,
                day,
                (code, words, category, unit),
                round(random.gauss(usual, spread)),
            )


def _observation(
    id_: str, subject: Record, day: date, what: tuple[str, str, str, str], value: Any
) -> Record:
    code, words, category, unit = what
    kind = {
        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
        "code": category,
    }
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "category": [{"coding": [kind]}],
        "code": {"coding": [{"system": LOINC, "code": code}], "text": words},
        "subject": subject,
        "effectiveDateTime": f"{day}",
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    }
