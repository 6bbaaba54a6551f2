"""Search by stored value sets and code systems, https://hl7.org/fhir/R4/search.html#modifiers."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions import code_systems
from tests.examples import a_patient
from tests.http import Answer, Client, entry

DISEASES = "http://example.org/diseases"
SETS = "http://example.org/sets/"
GENDERS = "http://hl7.org/fhir/administrative-gender"
CODES = ("heart", "infarct", "angina", "lung", "asthma")


def a_code_system(**stated: Any) -> dict[str, Any]:
    heart = [{"code": "infarct"}, {"code": "angina"}]
    lung = [
        {"code": "asthma", "property": [{"code": "chronic", "valueBoolean": True}]},
    ]
    return {
        "resourceType": "CodeSystem",
        "url": DISEASES,
        "status": "active",
        "content": "complete",
        "property": [{"code": "chronic", "type": "boolean"}],
        "concept": [{"code": "heart", "concept": heart}, {"code": "lung", "concept": lung}],
        **stated,
    }


def a_value_set(name: str, *include: dict[str, Any], **stated: Any) -> dict[str, Any]:
    compose = {"include": list(include), **stated}
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": SETS + name,
        "status": "active",
        "compose": compose,
    }


def listed(*codes: str) -> dict[str, Any]:
    return {"system": DISEASES, "concept": [{"code": code} for code in codes]}


def below(code: str, operator: str = "is-a") -> dict[str, Any]:
    return {
        "system": DISEASES,
        "filter": [{"property": "concept", "op": operator, "value": code}],
    }


def chronic() -> dict[str, Any]:
    stated = [{"property": "chronic", "op": "=", "value": "true"}]
    return {"system": DISEASES, "filter": stated}


@pytest.fixture
def ward(client: Client) -> Client:
    """Store a code system and one condition for each of its codes."""
    client.stored(a_code_system())
    client.stored(a_patient(id="p1", gender="female"))
    for code in CODES:
        client.stored(a_condition(code))
    return client


def a_condition(code: str, system: str = DISEASES) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": code,
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": system, "code": code}]},
    }


def ids(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    return " ".join(sorted(each["resource"]["id"] for each in answer.json.get("entry", [])))


@pytest.mark.parametrize(
    ("value_set", "expected"),
    [
        (a_value_set("v", listed("heart", "asthma")), "asthma heart"),
        (a_value_set("v", {"system": DISEASES}), "angina asthma heart infarct lung"),
        (a_value_set("v", below("heart")), "angina heart infarct"),
        (a_value_set("v", below("heart", "descendent-of"), listed("lung")), "angina infarct lung"),
        (a_value_set("v", below("heart"), exclude=[listed("angina")]), "heart infarct"),
        (a_value_set("v", chronic()), "asthma"),
    ],
)
def test_a_stored_value_set_finds_its_codes(
    ward: Client, value_set: dict[str, Any], expected: str
) -> None:
    ward.stored(value_set)
    for name in ("ValueSet/v", f"{SETS}v", f"{SETS}v|7", "http://localhost/fhir/ValueSet/v"):
        assert ids(ward.get(f"Condition?code:in={name}")) == expected
    rest = " ".join(sorted(set(CODES) - set(expected.split())))
    assert ids(ward.get("Condition?code:not-in=ValueSet/v")) == rest


def test_value_sets_include_and_exclude_each_other(ward: Client) -> None:
    ward.stored(a_value_set("inner", below("heart")))
    ward.stored(a_value_set("angina", listed("angina")))
    taken = [{"valueSet": [f"{SETS}angina"]}]
    ward.stored(a_value_set("outer", {"valueSet": [f"{SETS}inner"]}, exclude=taken))
    assert ids(ward.get(f"Condition?code:in={SETS}outer")) == "heart infarct"


def test_an_expansion_is_used_where_the_code_system_is_not_here(ward: Client) -> None:
    expanded = a_value_set("v", {"system": "http://example.org/elsewhere"})
    contains = [{"system": DISEASES, "code": "lung"}]
    expanded["expansion"] = {"timestamp": "2024-01-01", "contains": contains}
    ward.stored(expanded)
    assert ids(ward.get("Condition?code:in=ValueSet/v")) == "lung"


def test_r4s_own_code_systems_can_be_composed(ward: Client) -> None:
    ward.stored(a_value_set("v", {"system": GENDERS}))
    assert ids(ward.get("Patient?gender:in=ValueSet/v")) == "p1"
    assert ids(ward.get("Condition?subject:Patient.gender:in=ValueSet/v&_count=1")) != ""


def test_the_version_that_is_asked_for_is_taken(ward: Client) -> None:
    ward.stored({**a_value_set("one", listed("heart")), "url": f"{SETS}v", "version": "1"})
    ward.stored({**a_value_set("two", listed("lung")), "url": f"{SETS}v", "version": "2"})
    assert ids(ward.get(f"Condition?code:in={SETS}v|1")) == "heart"
    assert ids(ward.get(f"Condition?code:in={SETS}v|2")) == "lung"
    assert ids(ward.get(f"Condition?code:in={SETS}v")) == "lung"


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        (f"below={DISEASES}|heart", "angina heart infarct"),
        (f"above={DISEASES}|asthma", "asthma lung"),
        (f"below={DISEASES}|asthma", "asthma"),
        (f"below={DISEASES}|none", ""),
        ("below=heart", "angina heart infarct"),
    ],
)
def test_a_stored_hierarchy_is_followed(ward: Client, search: str, expected: str) -> None:
    assert ids(ward.get(f"Condition?code:{search}")) == expected


def test_what_is_stored_next_counts_in_the_next_search(ward: Client) -> None:
    ward.stored(a_value_set("v", listed("heart")))
    assert ids(ward.get("Condition?code:in=ValueSet/v")) == "heart"
    ward.stored(a_value_set("v", listed("lung")))
    assert ids(ward.get("Condition?code:in=ValueSet/v")) == "lung"


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("in=ValueSet/none", "there is no ValueSet/none"),
        (f"not-in={SETS}none", "store it on this server"),
        ("in=ValueSet/round", "includes itself"),
        ("in=ValueSet/strange", "codes of urn:strange, which are not known here"),
        ("in=|1", "no canonical URL"),
        ("in=,", "empty value"),
        ("below=asthma-or-so", "write system|code"),
    ],
)
def test_what_cannot_be_enumerated_is_refused(ward: Client, search: str, words: str) -> None:
    ward.stored(a_value_set("round", {"valueSet": [f"{SETS}about"]}))
    ward.stored(a_value_set("about", {"valueSet": [f"{SETS}round"]}))
    ward.stored(a_value_set("strange", {"system": "urn:strange"}))
    answer = ward.get(f"Condition?code:{search}")
    assert answer.status == 400
    assert words in answer.said
    assert "code" in answer.said


def test_a_value_set_without_codes_finds_nothing(ward: Client) -> None:
    ward.stored(a_value_set("empty", listed("heart"), exclude=[listed("heart")]))
    assert ids(ward.get("Condition?code:in=ValueSet/empty")) == ""
    assert ids(ward.get("Condition?code:not-in=ValueSet/empty")) == " ".join(sorted(CODES))


def test_a_fragment_of_a_code_system_has_a_hierarchy_but_is_not_enumerated(client: Client) -> None:
    client.stored(a_code_system(content="fragment"))
    client.stored(a_patient(id="p1"))
    client.stored(a_condition("angina"))
    client.stored(a_value_set("v", {"system": DISEASES}))
    assert ids(client.get(f"Condition?code:below={DISEASES}|heart")) == "angina"
    assert client.get("Condition?code:in=ValueSet/v").status == 400


def test_value_sets_nested_too_deep_are_refused(ward: Client) -> None:
    for level in range(25):
        ward.stored(a_value_set(f"v{level}", {"valueSet": [f"{SETS}v{level + 1}"]}))
    ward.stored(a_value_set("v25", listed("heart")))
    assert ids(ward.get("Condition?code:in=ValueSet/v10")) == "heart"
    assert "deep" in ward.get("Condition?code:in=ValueSet/v0").said


def test_an_expression_of_a_filter_takes_no_time(ward: Client) -> None:
    ward.stored(a_code_system(url="urn:long", concept=[{"code": "a" * 60}]))
    for pattern in ("(a+)+b", ".*" * 50 + "b"):
        stated = [{"property": "code", "op": "regex", "value": pattern}]
        ward.stored(a_value_set("v", {"system": "urn:long", "filter": stated}))
        assert ids(ward.get("Condition?code:in=ValueSet/v")) == ""


def test_a_value_set_that_needs_too_many_code_systems_is_refused(ward: Client) -> None:
    systems = [{"system": url} for url in code_systems.urls()]
    ward.stored(a_value_set("narrow", *systems[:150]))
    ward.stored(a_value_set("wide", *systems[:250]))
    assert ids(ward.get("Condition?code:in=ValueSet/narrow")) == ""
    answer = ward.get("Condition?code:in=ValueSet/wide")
    assert answer.status == 400
    assert "more than 200 code systems" in answer.said


def test_criteria_of_conditional_writes_know_stored_value_sets(ward: Client) -> None:
    ward.stored(a_value_set("v", listed("lung")))
    answer = ward.delete("Condition?code:in=ValueSet/v")
    assert answer.status in (200, 204)
    assert ward.get("Condition/lung").status == 410
    assert ward.delete("Condition?code:in=ValueSet/none").status == 400


def test_criteria_in_a_transaction_know_stored_value_sets(ward: Client) -> None:
    ward.stored(a_value_set("v", listed("asthma")))
    answer = ward.transaction(entry("DELETE", "Condition?code:in=ValueSet/v"))
    assert answer.status == 200
    assert ward.get("Condition/asthma").status == 410
    refused = ward.transaction(entry("DELETE", "Condition?code:in=ValueSet/none"))
    assert refused.status == 400


def test_lenient_handling_leaves_out_an_unknown_value_set_and_says_so(ward: Client) -> None:
    answer = ward.get("Condition?code:in=ValueSet/none&_count=1", prefer="handling=lenient")
    assert answer.status == 200
    assert "was ignored" in answer.body.decode()
