"""Smallest valid resources for tests."""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]
SYSTEM = "https://hospital.example/numbers"


def a_patient(**over: Any) -> Resource:
    return {"resourceType": "Patient", **over}


def an_identified_patient(value: str, **over: Any) -> Resource:
    return a_patient(identifier=[{"system": SYSTEM, "value": value}], **over)


def an_observation(**over: Any) -> Resource:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    return {"resourceType": "Observation", "status": "final", "code": code, **over}


def an_observation_of(reference: str, **over: Any) -> Resource:
    return an_observation(subject={"reference": reference}, **over)


def an_organization(**over: Any) -> Resource:
    return {"resourceType": "Organization", "name": "Hospital", **over}


def an_encounter(**over: Any) -> Resource:
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    return {"resourceType": "Encounter", "status": "finished", "class": kind, **over}
