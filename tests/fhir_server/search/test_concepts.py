"""Tokens by value set and hierarchy, in memory, https://hl7.org/fhir/R4/search.html#modifiers."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.errors import InvalidParameter
from fhir_server.search.entry import entry
from fhir_server.search.escape import escape, split, unescape
from fhir_server.search.match import match
from fhir_server.search.parse import parse
from fhir_server.search.reading import R4, Terminology

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
GENDER = "http://hl7.org/fhir/administrative-gender"
SETS = "http://hl7.org/fhir/ValueSet/"


def a_condition(id_: str, *codings: tuple[str, str]) -> dict[str, Any]:
    listed = [{"system": system, "code": code} for system, code in codings]
    stated = {"clinicalStatus": {"coding": listed}} if listed else {}
    return {"resourceType": "Condition", "id": id_, **stated}


CONDITIONS = [
    a_condition("active", (CLINICAL, "active")),
    a_condition("relapse", ("urn:other", "x"), (CLINICAL, "Relapse")),
    a_condition("resolved", (CLINICAL, "resolved")),
    a_condition("other", ("urn:other", "relapse")),
    a_condition("none"),
]
PATIENTS = [
    {"resourceType": "Patient", "id": "f", "gender": "female"},
    {"resourceType": "Patient", "id": "m", "gender": "male"},
    {"resourceType": "Patient", "id": "none"},
]


def found(
    resources: list[dict[str, Any]], name: str, value: str, terminology: Terminology = R4
) -> str:
    kind = resources[0]["resourceType"]
    query = parse(kind, [(name, value)], base_url="http://here/fhir", terminology=terminology)
    return " ".join(each["id"] for each in resources if match(query, entry(each)))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("clinical-status:in", SETS + "condition-clinical", "active relapse resolved"),
        ("clinical-status:in", SETS + "condition-clinical|4.0.1", "active relapse resolved"),
        ("clinical-status:not-in", SETS + "condition-clinical", "other none"),
        ("clinical-status:below", f"{CLINICAL}|active", "active relapse"),
        ("clinical-status:below", "active", "active relapse"),
        ("clinical-status:above", f"{CLINICAL}|relapse", "active relapse"),
        ("clinical-status:above", f"{CLINICAL}|active", "active"),
        ("clinical-status:below", "urn:other|relapse", "other"),
        ("clinical-status:below", f"{CLINICAL}|relapse,{CLINICAL}|inactive", "relapse resolved"),
    ],
)
def test_conditions_are_found_by(name: str, value: str, expected: str) -> None:
    assert found(CONDITIONS, name, value) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("gender:in", SETS + "administrative-gender", "f m"),
        ("gender:not-in", SETS + "administrative-gender", "none"),
        ("gender:below", "female", "f"),
        ("gender:above", f"{GENDER}|male", "m"),
        ("gender:in", SETS + "observation-status", ""),
    ],
)
def test_a_code_has_the_system_of_its_binding(name: str, value: str, expected: str) -> None:
    assert found(PATIENTS, name, value) == expected


def test_not_in_negates_all_its_values_together() -> None:
    both = f"{SETS}administrative-gender,{SETS}observation-status"
    assert found(PATIENTS, "gender:not-in", both) == "none"


def test_a_chain_takes_the_modifiers_and_filter_its_operators() -> None:
    assert parse("Condition", [("subject:Patient.gender:in", SETS + "administrative-gender")])
    assert found(CONDITIONS, "_filter", f"clinical-status ss {CLINICAL}|active") == "active relapse"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("code:in", SETS + "observation-codes", "no value set that R4 enumerates"),
        ("code:not-in", "urn:none", "no value set that R4 enumerates"),
        ("code:in", "", "no value"),
        ("code:below", "no such code", "no hierarchy known here"),
        ("code:below", "active", "several code systems"),
        ("code:above", f"{CLINICAL}|", "write system.code"),
        ("code:above", "a|b|c", "write system.code"),
        ("code:under", "a", ":below"),
        ("_id:in", "a", ":missing"),
        ("subject:in", "a", "does not support"),
        ("code:below", ",".join(["urn:a|b"] * 101), "100 values"),
    ],
)
def test_what_means_nothing_is_refused_and_named(name: str, value: str, words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        parse("Condition", [(name, value)])


@pytest.mark.parametrize(("count", "refused"), [(10_000, False), (10_001, True)])
def test_a_value_set_has_ten_thousand_codes_at_most(count: int, refused: bool) -> None:
    codes = {"urn:s": frozenset(map(str, range(count)))}
    known = Terminology(lambda _: codes, R4.ancestors, R4.descendants, R4.systems_of)
    if not refused:
        assert found(CONDITIONS, "code:in", "urn:v", known) == ""
        return
    with pytest.raises(InvalidParameter, match="more than 10,000"):
        found(CONDITIONS, "code:in", "urn:v", known)


def test_escaped_text_is_one_value() -> None:
    text = r"a,b|c$d\e\,"
    assert split(escape(text), ",") == (escape(text),)
    assert unescape(escape(text)) == text
