"""Demo records for a new embedded database: a practice and its patients, made up from first to last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from fhir_server.codec import encode
from fhir_server.context import Store
from fhir_server.rest.call import Limits
from fhir_server.rest.routes import dispatch
from fhir_server.rest.web import Request
from medconsult import demo_patients
from medconsult.demo_practice import SNOMED, Record, practice
from medconsult.demo_visits import visits

LOINC = "http://loinc.org"
BATCH = 500
UCUM = "http://unitsofmeasure.org"

# id, family, given, gender, birth date, conditions (SNOMED code, text)
PATIENTS = (
    ("demo-anna", "Brandt", "Anna", "female", "1984-03-12", (("38341003", "High blood pressure"),)),
    ("demo-kofi", "Mensah", "Kofi", "male", "1971-11-02", (("44054006", "Diabetes type 2"),)),
    ("demo-lucia", "Ferreira", "Lúcia", "female", "1999-07-25", (("195967001", "Asthma"),)),
    ("demo-yusuf", "Demir", "Yusuf", "male", "2015-01-30", ()),
)
# LOINC code, text, category, unit, values of four visits
MEASURES = (
    ("8480-6", "Systolic blood pressure", "vital-signs", "mm[Hg]", (142, 138, 131, 127)),
    ("8867-4", "Heart rate", "vital-signs", "/min", (78, 74, 76, 71)),
    ("29463-7", "Body weight", "vital-signs", "kg", (71, 70, 70, 69)),
    ("2345-7", "Glucose", "laboratory", "mg/dL", (109, 104, 99, 96)),
)
CLASS = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
# A mother who cares for a son, and who runs the practice.
PEOPLE: tuple[Record, ...] = (
    {
        "resourceType": "RelatedPerson",
        "id": "demo-elif",
        "active": True,
        "patient": {"reference": "Patient/demo-yusuf"},
        "relationship": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                        "code": "MTH",
                        "display": "mother",
                    }
                ]
            }
        ],
        "name": [{"family": "Demir", "given": ["Elif"]}],
    },
    {
        "resourceType": "Person",
        "id": "demo-admin",
        "active": True,
        "name": [{"family": "Quaye", "given": ["Nii"]}],
    },
)


def load_into_new(store: Store, today: date) -> int:
    """Store the demo records when there is no resource at all; returns how many were stored."""
    with store.database.connection() as connection:
        if connection.query("SELECT 1 FROM resource LIMIT 1"):
            return 0
    records = demo_records(today)
    for start in range(0, len(records), BATCH):
        _store(store, records[start : start + BATCH])
    return len(records)


def _store(store: Store, records: Sequence[Record]) -> None:
    entries = [
        {
            "resource": record,
            "request": {"method": "PUT", "url": f"{record['resourceType']}/{record['id']}"},
        }
        for record in records
    ]
    body = encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    headers = {"content-type": "application/fhir+json"}
    answer = dispatch(store, Limits(), Request("POST", "", "", headers, body))
    if answer.status != 200:
        raise RuntimeError(answer.body.decode())


def demo_records(today: date) -> list[Record]:
    """Return the practice, its patients with visits counted back from today, and their appointments.

    What is referred to stands before what refers to it.
    """
    patients = (record for row in PATIENTS for record in _patient(row, today))
    known = [(row[0], f"{row[2]} {row[1]}") for row in PATIENTS]
    booked = visits([*known, *demo_patients.names()], today)
    return [*practice(), *patients, *PEOPLE, *demo_patients.people(today), *booked]


def _patient(row: tuple[Any, ...], today: date) -> list[Record]:
    id_, family, given, gender, born, conditions = row
    subject = {"reference": f"Patient/{id_}", "display": f"{given} {family}"}
    patient = {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": "urn:medconsult:demo", "value": id_}],
        "active": True,
        "name": [{"family": family, "given": [given]}],
        "gender": gender,
        "birthDate": born,
        "generalPractitioner": [{"reference": "Practitioner/demo-osei"}],
        "managingOrganization": {"reference": "Organization/demo-practice"},
    }
    visits = [today - timedelta(days=90 * back + len(family)) for back in range(4, 0, -1)]
    records = [patient, *(_condition(id_, subject, *condition) for condition in conditions)]
    for number, day in enumerate(visits):
        records.append(_encounter(f"{id_}-visit-{number + 1}", subject, day))
        records += [_observation(id_, subject, number, day, *measure) for measure in MEASURES]
    return records


def _condition(id_: str, subject: Record, code: str, text: str) -> Record:
    status = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return {
        "resourceType": "Condition",
        "id": f"{id_}-condition-{code}",
        "clinicalStatus": {"coding": [{"system": status, "code": "active"}]},
        "code": {"coding": [{"system": SNOMED, "code": code}], "text": text},
        "subject": subject,
    }


def _encounter(id_: str, subject: Record, day: date) -> Record:
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": "finished",
        "class": CLASS,
        "subject": subject,
        "participant": [{"individual": {"reference": "Practitioner/demo-osei"}}],
        "period": {"start": f"{day}T09:00:00Z", "end": f"{day}T09:30:00Z"},
        "serviceProvider": {"reference": "Organization/demo-practice"},
    }


def _observation(
    id_: str,
    subject: Record,
    number: int,
    day: date,
    code: str,
    text: str,
    category: str,
    unit: str,
    values: Any,
) -> Record:
    kind = {
        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
        "code": category,
    }
    return {
        "resourceType": "Observation",
        "id": f"{id_}-{code}-{number + 1}",
        "status": "final",
        "category": [{"coding": [kind]}],
        "code": {"coding": [{"system": LOINC, "code": code}], "text": text},
        "subject": subject,
        "encounter": {"reference": f"Encounter/{id_}-visit-{number + 1}"},
        "effectiveDateTime": f"{day}T09:10:00Z",
        "valueQuantity": {"value": values[number], "unit": unit, "system": UCUM, "code": unit},
    }
