"""Parse a search and match resources with it; the same cases are run on SQL in storage's tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.errors import InvalidParameter, NotSupported
from fhir_server.search import sql
from fhir_server.search.entry import entry
from fhir_server.search.escape import split, unescape
from fhir_server.search.match import match
from fhir_server.search.order import Place
from fhir_server.search.parse import parse
from fhir_server.search.query import Include, normalised
from fhir_server.search.values import supported

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"lastUpdated": "2024-05-01T10:00:00Z"},
    "active": True,
    "gender": "female",
    "birthDate": "1980-06-15",
    "name": [{"family": "O'Neill, Jr", "given": ["Ann"]}],
    "identifier": [
        {"system": "urn:mrn", "value": "A|1", "type": {"coding": [{"system": "t", "code": "MR"}]}}
    ],
    "managingOrganization": {"reference": "Organization/9"},
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "2",
    "status": "final",
    "subject": {"reference": "Patient/1"},
    "effectivePeriod": {"start": "2024-01-10", "end": "2024-01-20"},
    "valueQuantity": {"value": Decimal(100), "unit": "mg", "system": "urn:u", "code": "mg"},
}


def matches(resource: dict[str, Any], *pairs: tuple[str, str]) -> bool:
    return match(parse(resource["resourceType"], pairs), entry(resource))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("_id", "1", True),
        ("_id", "2,1", True),
        ("_id", "2", False),
        ("_lastUpdated", "2024-05", True),
        ("_lastUpdated", "gt2024-05", False),
        ("gender", "female", True),
        ("gender", "male,female", True),
        ("gender", "http://hl7.org/fhir/administrative-gender|female", True),
        ("gender", "http://other|female", False),
        ("gender:not", "male", True),
        ("gender:not", "female", False),
        ("gender:missing", "false", True),
        ("phone:missing", "true", True),
        ("phone:missing", "false", False),
        ("active", "true", True),
        ("identifier", "urn:mrn|A\\|1", True),
        ("identifier", "urn:mrn|", True),
        ("identifier", "|A\\|1", False),
        ("identifier:of-type", "t|MR|A\\|1", True),
        ("identifier:of-type", "t|SS|A\\|1", False),
        ("family", "o'nei", True),
        ("family", "neill", False),
        ("family:contains", "NEILL\\, J", True),
        ("family:exact", "O'Neill\\, Jr", True),
        ("family:exact", "o'neill\\, jr", False),
        ("birthdate", "1980", True),
        ("birthdate", "1980-06-15T10:00", False),
        ("birthdate", "ne1980", False),
        ("birthdate", "lt1980-06-15", False),
        ("birthdate", "le1980-06-15", True),
        ("birthdate", "sa1979", True),
        ("birthdate", "eb1981", True),
        ("organization", "9", True),
        ("organization", "Organization/9", True),
        ("organization:Organization", "9", True),
        ("organization", "Organization/8", False),
    ],
)
def test_patient_is_found_by(name: str, value: str, expected: bool) -> None:
    assert matches(PATIENT, (name, value)) is expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("date", "2024-01", True),
        ("date", "2024-01-15", False),
        ("date", "ge2024-01-15", True),
        ("date", "sa2024-01-15", False),
        ("date", "eb2024-02", True),
        ("subject", "Patient/1", True),
        ("subject:Group", "1", False),
        ("patient", "1", True),
        ("value-quantity", "100", True),
        ("value-quantity", "1e2", True),
        ("value-quantity", "99.6", False),
        ("value-quantity", "gt99.9", True),
        ("value-quantity", "gt100", False),
        ("value-quantity", "ap95", True),
        ("value-quantity", "100|urn:u|mg", True),
        ("value-quantity", "100||mg", True),
        ("value-quantity", "100||g", False),
    ],
)
def test_observation_is_found_by(name: str, value: str, expected: bool) -> None:
    assert matches(OBSERVATION, (name, value)) is expected


def test_all_conditions_have_to_hold() -> None:
    assert matches(PATIENT, ("gender", "female"), ("active", "true"))
    assert not matches(PATIENT, ("gender", "female"), ("active", "false"))


@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [
        ("Patient", "famly", "x", "family"),
        ("Patient", "family:starts", "x", ":exact"),
        ("Patient", "birthdate:exact", "2020", ":missing"),
        ("Patient", "birthdate", "soon", "birthdate"),
        ("Patient", "gender", "", "no value"),
        ("Patient", "gender", "a,,b", "empty value"),
        ("Patient", "gender", "a\0b", "NUL"),
        ("Patient", "gender:of-type", "a|b|c", "identifiers"),
        ("Patient", "active:missing", "yes", "true or false"),
        ("Patient", "_count", "-1", "_count"),
        ("Patient", "_total", "some", "_total"),
        ("Observation", "_sort", "code-value-quantity", "means nothing"),
        ("Patient", "_include", "Patient:gender", "reference"),
        ("Patient", "gender.name", "x", "no reference"),
        ("Patient", "_has:Observation:code:status", "x", "no reference"),
        ("Patient", "_has:Observation", "x", "_has:Type"),
        ("Observation", "value-quantity", "1|mg", "number||code"),
        ("Observation", "value-quantity", "1e999", "number"),
        ("Observation", "subject:Patient", "Group/1", "refer to a Patient"),
        ("Organization", ".".join(["partof"] * 12), "x", "longer than"),
    ],
)
def test_what_means_nothing_is_refused_and_named(
    kind: str, name: str, value: str, words: str
) -> None:
    with pytest.raises(InvalidParameter, match=words) as raised:
        parse(kind, [(name, value)])
    assert raised.value.status == 400


def test_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(NotSupported):
        parse("Patent", [])


def test_escaped_separators_do_not_split() -> None:
    assert split(r"a\,b,c\\,d", ",") == (r"a\,b", r"c\\", "d")
    assert unescape(r"a\,b\|c\$d\\e\n") == r"a,b|c$d\e\n"


def test_normalised_does_not_depend_on_order() -> None:
    first = parse("Patient", [("gender", "male,female"), ("active", "true")])
    second = parse("Patient", [("active", "true"), ("gender", "female,male")])
    assert normalised(first) == normalised(second)
    assert normalised(first) != normalised(parse("Patient", [("active", "true")]))


def test_control_parameters_are_read() -> None:
    pairs = [
        ("_count", "5"),
        ("_total", "accurate"),
        ("_sort", "-date,_id"),
        ("_format", "json"),
        ("_include", "Observation:subject:Patient"),
        ("_revinclude:iterate", "Provenance:target"),
    ]
    query = parse("Observation", pairs)
    assert (query.count, query.total, query.conditions) == (5, "accurate", ())
    assert [(each.code, each.descending) for each in query.sort] == [("date", True), ("_id", False)]
    assert query.includes == (Include("Observation", "subject", "Patient", iterate=False),)
    assert query.revincludes == (Include("Provenance", "target", "", iterate=True),)


def test_plain_terms_are_one_containment_and_values_are_never_in_the_text() -> None:
    marker = "x'; DROP TABLE resource; --"
    pairs = [("gender", marker), ("active", "true"), ("family", marker), ("_id", marker)]
    statement = sql.page(
        parse("Patient", [*pairs, ("_sort", "-family")]), 0, Place(0, ("m", 1)), limit=2
    )
    assert statement.text.count("@>") == 1
    assert "DROP" not in statement.text
    assert sql.count(parse("Patient", pairs)).text.startswith("SELECT count(*)")


def test_like_patterns_of_a_request_are_literal() -> None:
    statement = sql.page(parse("Patient", [("family", "a%_\\\\")]), limit=1)
    assert "a\\%\\_\\\\%" in statement.parameters.values()


def test_a_chain_compiles_to_sql_but_cannot_be_decided_from_one_resource() -> None:
    query = parse("Observation", [("subject:Patient.family", "x")])
    assert "r1.key #" in sql.page(query, limit=1).text
    with pytest.raises(InvalidParameter, match="chain"):
        match(query, entry(OBSERVATION))


def test_supported_lists_what_can_be_searched_and_nothing_else() -> None:
    listed = dict(supported("Observation"))
    assert listed["_id"] == "token"
    assert listed["date"] == "date"
    assert listed["code-value-quantity"] == "composite"
    assert dict(supported("Location"))["near"] == "special"
    assert "_filter" not in listed
