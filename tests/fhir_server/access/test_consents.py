"""A patient's Consent takes away from a clinician what the role would give, at once."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.principal import OPEN, Principal
from tests.fhir_server.access.practice import ADA, OSEI, Door, ids, whose

SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
TYPES = "http://hl7.org/fhir/resource-types"
RESTRICTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


def consent(provision: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "id": "no",
        "status": "active",
        "scope": {"coding": [{"system": SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/ada"},
        "policyRule": {"text": "As the patient says"},
        "provision": provision,
        **changed,
    }


def actor(name: str) -> dict[str, Any]:
    role = {"coding": [{"code": "PRCP"}]}
    return {"actor": [{"role": role, "reference": {"reference": f"Practitioner/{name}"}}]}


def of_ada(door: Door, who: Principal = OSEI) -> set[str]:
    """Return what of Ada's record is found by a search of all types."""
    return {name for name in ids(door.as_(who).get("?_count=500")) if whose(name) == "ada"}


def test_a_denial_hides_the_whole_record_from_that_clinician(door: Door) -> None:
    assert of_ada(door)
    door.as_(OPEN).stored(consent({"type": "deny", **actor("osei")}))
    assert of_ada(door) == set()
    assert door.as_(OSEI).get("Patient/ada").status == 404
    assert door.as_(OSEI).get("Observation/laboratory-ada/_history/1").status == 404
    assert door.as_(OSEI).get("Patient/ben").status == 200
    assert of_ada(door, ADA)
    theirs = door.as_(OPEN).get("List/list-ada").json
    assert door.as_(OSEI).put("List/list-ada", theirs).status == 403
    emergency = Principal("practitioner", "Practitioner/osei", emergency=frozenset({"ada"}))
    assert door.as_(emergency).get("Patient/ada").status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "inactive"},
        {"provision": {"type": "permit", **actor("osei")}},
        {"provision": {"type": "deny", **actor("lind")}},
        {"provision": {"type": "deny", "period": {"end": "2020-01-01"}, **actor("osei")}},
        {"provision": {"type": "deny", "period": {"start": "2999-01-01"}, **actor("osei")}},
        {"patient": {"reference": "Patient/cleo"}},
    ],
)
def test_what_does_not_apply_takes_nothing_away(door: Door, changed: dict[str, Any]) -> None:
    before = of_ada(door)
    door.as_(OPEN).stored(consent(**{"provision": {"type": "deny", **actor("osei")}, **changed}))
    assert of_ada(door) - {"Consent/no"} == before


def test_a_denial_may_be_of_one_class(door: Door) -> None:
    denied = {"class": [{"system": TYPES, "code": "Observation"}]}
    door.as_(OPEN).stored(consent({"type": "permit", "provision": [{"type": "deny", **denied}]}))
    found = of_ada(door)
    assert "Patient/ada" in found
    assert not any(name.startswith("Observation/") for name in found)
    assert door.as_(OSEI).get("Observation/laboratory-ada").status == 404
    assert door.as_(OSEI).get("Observation/laboratory-ben").status == 200


def test_a_denial_may_be_of_what_is_labelled(door: Door) -> None:
    client = door.as_(OPEN)
    kept = client.get("Observation/laboratory-ada").json
    client.put("Observation/laboratory-ada", {**kept, "meta": {"security": [RESTRICTED]}})
    client.stored(consent({"type": "deny", "securityLabel": [RESTRICTED], **actor("osei")}))
    found = of_ada(door)
    assert "Observation/laboratory-ada" not in found
    assert "Observation/vital-signs-ada" in found
