"""Modifiers of tokens that need terminology or texts, https://hl7.org/fhir/R4/search.html#token."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.composition import NotEnumerable
from fhir_server.errors import InvalidParameter
from fhir_server.search import sql
from fhir_server.search.entry import entry
from fhir_server.search.match import match
from fhir_server.search.parse import parse
from fhir_server.search.reading import R4, Terminology

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CLINICALS = "http://hl7.org/fhir/ValueSet/condition-clinical"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
CONDITION: dict[str, Any] = {
    "resourceType": "Condition",
    "id": "1",
    "subject": {"reference": "Patient/1"},
    "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "relapse"}]},
    "code": {
        "text": "Migräne,  seit Jahren",
        "coding": [{"system": "urn:x", "code": "M-1", "display": "Migraine with aura"}],
    },
}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"tag": [{"system": "urn:t", "code": "a", "display": "Audited"}]},
    "gender": "female",
    "identifier": [
        {"value": "1", "type": {"text": "Chart number", "coding": [{"display": "Record"}]}}
    ],
}


def matches(resource: dict[str, Any], name: str, value: str, terminology: Terminology = R4) -> bool:
    query = parse(resource["resourceType"], [(name, value)], terminology=terminology)
    assert sql.count(query).text
    return match(query, entry(resource))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("clinical-status:in", CLINICALS, True),
        ("clinical-status:in", f"{CLINICALS}|4.0.1", True),
        ("clinical-status:in", GENDERS, False),
        ("clinical-status:in", f"{GENDERS},{CLINICALS}", True),
        ("clinical-status:not-in", CLINICALS, False),
        ("clinical-status:not-in", GENDERS, True),
        ("verification-status:in", CLINICALS, False),
        ("verification-status:not-in", CLINICALS, True),
        ("clinical-status:below", f"{CLINICAL}|active", True),
        ("clinical-status:below", "active", True),
        ("clinical-status:below", f"{CLINICAL}|relapse", True),
        ("clinical-status:below", f"{CLINICAL}|inactive", False),
        ("clinical-status:below", "urn:other|active", False),
        ("clinical-status:below", "|active", False),
        ("clinical-status:above", f"{CLINICAL}|relapse", True),
        ("clinical-status:above", f"{CLINICAL}|active", False),
        ("code:below", "urn:x|M-1", True),
        ("code:above", "urn:x|N", False),
        ("code:text", "migrane\\, seit", True),
        ("code:text", "MIGRAINE", True),
        ("code:text", "aura", False),
        ("clinical-status:text", "relapse", False),
        ("_filter", f'clinical-status in "{CLINICALS}"', True),
        ("_filter", f'clinical-status ni "{CLINICALS}"', False),
        ("_filter", f'clinical-status ss "{CLINICAL}|active"', True),
    ],
)
def test_condition_is_found_by(name: str, value: str, expected: bool) -> None:
    assert matches(CONDITION, name, value) is expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("gender:in", GENDERS, True),
        ("gender:not-in", GENDERS, False),
        ("gender:below", "female", True),
        ("identifier:text", "chart", True),
        ("identifier:text", "Rec", True),
        ("identifier:text", "1", False),
        ("_tag:text", "audit", True),
        ("identifier:in", GENDERS, False),
    ],
)
def test_patient_is_found_by(name: str, value: str, expected: bool) -> None:
    assert matches(PATIENT, name, value) is expected


@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [
        ("Condition", "code:in", "http://hl7.org/fhir/ValueSet/condition-code", "condition-code"),
        ("Condition", "code:not-in", "urn:none", "no value set"),
        ("Condition", "code:below", "a|b|c", "system.code"),
        ("Condition", "code:above", "urn:x|", "system.code"),
        ("Condition", "code:text", " ", "beginning"),
        ("Patient", "gender:text", "fem", "identifiers only"),
        ("Patient", "phone:text", "555", "identifiers only"),
        ("Condition", "code:below", "M", "several code systems"),
    ],
)
def test_what_means_nothing_is_refused_and_named(
    kind: str, name: str, value: str, words: str
) -> None:
    with pytest.raises(InvalidParameter, match=words):
        parse(kind, [(name, value)])


def of(size: int) -> Terminology:
    codes = frozenset(f"c{number}" for number in range(size))
    return Terminology(
        lambda _: {"urn:many": codes} if codes else {}, R4.ancestors, R4.descendants, R4.systems_of
    )


def test_ten_thousand_codes_are_one_overlap_and_more_are_refused() -> None:
    query = parse("Condition", [("code:in", "urn:v")], terminology=of(10_000))
    assert sql.count(query).text.count("&&") == 1
    with pytest.raises(InvalidParameter, match="more than 10,000 codes"):
        parse("Condition", [("code:in", "urn:v")], terminology=of(10_001))


def test_a_value_set_without_codes_finds_nothing() -> None:
    assert not matches(CONDITION, "code:in", "urn:v", of(0))
    assert matches(CONDITION, "code:not-in", "urn:v", of(0))


def test_terminology_is_not_asked_by_other_searches() -> None:
    def fail(*_: str) -> Any:
        raise NotEnumerable("asked")

    silent = Terminology(fail, fail, fail, fail)
    assert matches(CONDITION, "code", "urn:x|M-1", silent)
    with pytest.raises(InvalidParameter, match="asked"):
        matches(CONDITION, "code:in", "urn:v", silent)


def test_a_code_that_its_binding_takes_from_two_systems_has_both() -> None:
    definition = {"resourceType": "GraphDefinition", "id": "1", "start": "Patient"}
    assert matches(definition, "start", "http://hl7.org/fhir/resource-types|Patient")


def test_a_text_of_which_nothing_is_left_is_not_stored() -> None:
    assert entry({"resourceType": "Basic", "id": "1", "code": {"text": "\u0301"}}).texts == []
    assert len(entry({"resourceType": "Basic", "id": "1", "code": {"text": "e\u0301"}}).texts) == 1
