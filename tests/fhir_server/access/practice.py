"""Two practices and three patients: what the tests of access read and write.

Ada and Ben are patients of Dr. Osei; Cleo is a patient of Dr. Lind. Ben's mother is Mia.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_server.access.principal import OPEN, Principal
from fhir_server.access.scopes import parse_all
from fhir_server.context import Store
from fhir_server.rest import app
from fhir_server.rest.web import Request
from tests.http import Client

LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
PATIENTS = ("ada", "ben", "cleo")
DOCTORS = {"ada": "osei", "ben": "osei", "cleo": "lind"}

ADA = Principal("patient", "Patient/ada", "Ada")
CLEO = Principal("patient", "Patient/cleo", "Cleo")
MIA = Principal("related-person", "RelatedPerson/mia", "Mia")
OSEI = Principal("practitioner", "Practitioner/osei", "Dr. Osei")
LIND = Principal("practitioner", "Practitioner/lind", "Dr. Lind")
ADMIN = Principal("administrator", "Person/admin", "Admin")


def app_of(principal: Principal, scopes: str, patient: str = "") -> Principal:
    """Return the principal behind an app that was granted the scopes."""
    return Principal(
        principal.role,
        principal.user,
        principal.name,
        client="app",
        scopes=parse_all(scopes.split()),
        patient=patient,
    )


def service(scopes: str) -> Principal:
    """Return a backend service."""
    return Principal("system", client="service", scopes=parse_all(scopes.split()))


@dataclass(slots=True)
class Door:
    """The REST door, at which whoever `who` is knocks."""

    client: Client
    who: list[Principal]

    def as_(self, principal: Principal) -> Client:
        self.who[0] = principal
        return self.client


def door(store: Store, runner: Any) -> Door:
    who = [OPEN]

    def authenticate(_: Request) -> Principal:
        return who[0]

    return Door(Client(app.create(store, authenticate=authenticate), runner), who)


def records() -> Iterator[dict[str, Any]]:
    yield {"resourceType": "Organization", "id": "north", "name": "North"}
    for name in ("osei", "lind"):
        yield {"resourceType": "Practitioner", "id": name, "name": [{"family": name.title()}]}
    for name in PATIENTS:
        yield from _record(name)
    yield {
        "resourceType": "RelatedPerson",
        "id": "mia",
        "active": True,
        "patient": {"reference": "Patient/ben"},
    }


def _record(name: str) -> Iterator[dict[str, Any]]:
    patient = {"reference": f"Patient/{name}"}
    doctor = {"reference": f"Practitioner/{DOCTORS[name]}"}
    yield {
        "resourceType": "Patient",
        "id": name,
        "name": [{"family": name.title()}],
        "managingOrganization": {"reference": "Organization/north"},
    }
    yield {
        "resourceType": "Encounter",
        "id": f"visit-{name}",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": patient,
        "participant": [{"individual": doctor}],
    }
    yield from _observations(name)
    yield from _papers(name)


def _papers(name: str) -> Iterator[dict[str, Any]]:
    patient = {"reference": f"Patient/{name}"}
    yield {
        "resourceType": "DocumentReference",
        "id": f"paper-{name}",
        "status": "current",
        "subject": patient,
        "author": [patient],
        "content": [{"attachment": {"contentType": "text/plain", "data": "aGk="}}],
    }
    yield {
        "resourceType": "Binary",
        "id": f"scan-{name}",
        "contentType": "text/plain",
        "securityContext": patient,
        "data": "aGk=",
    }
    yield {
        "resourceType": "Provenance",
        "id": f"source-{name}",
        "target": [{"reference": f"Observation/laboratory-{name}"}],
        "recorded": "2026-11-01T00:00:00Z",
        "agent": [{"who": {"reference": f"Practitioner/{DOCTORS[name]}"}}],
    }
    yield {
        "resourceType": "List",
        "id": f"list-{name}",
        "status": "current",
        "mode": "working",
        "subject": patient,
        "entry": [{"item": {"reference": f"Observation/laboratory-{name}"}}],
    }


def fill(door: Door, extra: Sequence[dict[str, Any]] = ()) -> None:
    client = door.as_(OPEN)
    for resource in (*records(), *extra):
        client.stored(resource)


def ids(answer: Any) -> set[str]:
    """Return "Type/id" of a bundle's entries that are resources of people."""
    assert answer.status == 200, answer.body
    found = [entry["resource"] for entry in answer.json.get("entry", []) if "resource" in entry]
    return {f"{each['resourceType']}/{each['id']}" for each in found if "id" in each}


def whose(name: str) -> str:
    """Return the patient that a resource of the practice is about; "" of what is nobody's."""
    id_ = name.partition("/")[2]
    if id_ == "mia":
        return "ben"
    return next((each for each in PATIENTS if id_ == each or id_.endswith(f"-{each}")), "")


def _observations(name: str) -> Iterator[dict[str, Any]]:
    patient = {"reference": f"Patient/{name}"}
    doctor = {"reference": f"Practitioner/{DOCTORS[name]}"}
    for code, category in (("8867-4", "vital-signs"), ("2093-3", "laboratory")):
        yield {
            "resourceType": "Observation",
            "id": f"{category}-{name}",
            "status": "final",
            "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "subject": patient,
            "encounter": {"reference": f"Encounter/visit-{name}"},
            "performer": [doctor],
            "valueQuantity": {"value": 70, "unit": "1"},
        }
