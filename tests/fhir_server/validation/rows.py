"""What rows of broken resources are made of: small valid resources to break."""

from __future__ import annotations

from typing import Any, NamedTuple


class Broken(NamedTuple):
    name: str
    resource: Any
    code: str
    expression: str


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    return {"resourceType": "Observation", "status": "final", "code": code, **elements}


def condition(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "subject": {"reference": "Patient/1"}, **elements}


def appointment(**elements: Any) -> dict[str, Any]:
    participant = [{"actor": {"reference": "Patient/1"}, "status": "accepted"}]
    return {"resourceType": "Appointment", "participant": participant, **elements}


def bundle(kind: str, *entries: Any, **elements: Any) -> dict[str, Any]:
    entry = {"entry": list(entries)} if entries else {}
    return {"resourceType": "Bundle", "type": kind, **entry, **elements}


def extended(**value: Any) -> dict[str, Any]:
    return patient(extension=[{"url": "http://example.org/x", **value}])


def terminology(name: str, code: str) -> dict[str, Any]:
    system = f"http://terminology.hl7.org/CodeSystem/{name}"
    return {"coding": [{"system": system, "code": code}]}


def narrative(content: str) -> dict[str, Any]:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{content}</div>'
    return patient(text={"status": "generated", "div": div})


def dosed(**repeat: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "aspirin"},
        "subject": {"reference": "Patient/1"},
        "dosageInstruction": [{"timing": {"repeat": repeat}}],
    }


ORGANIZATION = {"resourceType": "Organization", "id": "o", "name": "A"}
