"""What resources are indexed by."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.definitions import structures
from fhir_server.search import term
from fhir_server.search.entry import Entry, entry
from fhir_server.search.extract import is_indexed
from fhir_server.search.fields import fields
from fhir_server.search.types import date, quantity, reference, string, token, uri

BASE = "https://ours.example/fhir"


def index(kind: str, **elements: Any) -> Entry:
    return entry({"resourceType": kind, "id": "1", **elements}, (), BASE)


def param(kind: str, code: str) -> int:
    return term.param_id(kind, code)


def test_numbers_of_parameters_do_not_collide() -> None:
    names = [field.param for kind in structures.resource_types() for field in fields(kind).values()]
    assert len(names) == len(set(names))


def test_every_parameter_with_an_expression_is_indexed() -> None:
    left = {
        field.prefix
        for kind in structures.resource_types()
        for field in fields(kind).values()
        if not is_indexed(field) and not field.code.startswith("_")
    }
    assert left <= {"Patient.age", "Patient.birthOrderBoolean"}, "R4 gives these no expression"


def test_coding_is_found_with_its_system_with_any_and_by_the_system_alone() -> None:
    terms = index(
        "Observation", code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    ).terms
    assert token.with_system("Observation.code", "http://loinc.org", "8867-4") in terms
    assert token.any_system("Observation.code", "8867-4") in terms
    assert token.system_only("Observation.code", "http://loinc.org") in terms
    assert token.with_system("Observation.code", "", "8867-4") not in terms


def test_a_coding_without_system_has_no_system() -> None:
    terms = index("Observation", code={"coding": [{"code": "x"}]}).terms
    assert token.with_system("Observation.code", "", "x") in terms


def test_code_element_has_the_system_of_its_required_binding() -> None:
    terms = index("Observation", status="final").terms
    system = "http://hl7.org/fhir/observation-status"
    assert token.with_system("Observation.status", system, "final") in terms


def test_phone_takes_only_contact_points_of_its_system() -> None:
    terms = index("Patient", telecom=[{"system": "email", "value": "a@b.c"}]).terms
    assert token.any_system("Patient.email", "a@b.c") in terms
    assert token.any_system("Patient.phone", "a@b.c") not in terms


@pytest.mark.parametrize(
    ("elements", "found"),
    [
        ({}, "false"),
        ({"deceasedBoolean": False}, "false"),
        ({"deceasedBoolean": True}, "true"),
        ({"deceasedDateTime": "2020"}, "true"),
    ],
)
def test_deceased_always_has_a_value(elements: dict[str, Any], found: str) -> None:
    assert token.any_system("Patient.deceased", found) in index("Patient", **elements).terms


@pytest.mark.parametrize(
    "literal",
    ["Patient/2", f"{BASE}/Patient/2", "Patient/2/_history/3", f"{BASE}/Patient/2/_history/1"],
)
def test_references_under_our_base_are_the_same_however_written(literal: str) -> None:
    found = index("Observation", subject={"reference": literal})
    assert term.reference_term("Observation.subject", "Patient/2") in found.terms
    assert term.compartment_term("Patient/2") in found.terms
    assert (param("Observation", "subject"), term.resource_key("Patient/2")) in found.references


def test_a_foreign_reference_is_kept_whole_and_enters_no_compartment() -> None:
    found = index("Observation", subject={"reference": "https://theirs.example/Patient/2"})
    assert (
        term.reference_term("Observation.subject", "https://theirs.example/Patient/2")
        in found.terms
    )
    assert (
        term.reference_term("Observation.patient", "https://theirs.example/Patient/2")
        in found.terms
    )
    assert term.compartment_term("Patient/2") not in found.terms
    assert found.references == []


def test_patient_parameter_passes_by_references_to_other_types() -> None:
    terms = index("Observation", subject={"reference": "Group/2"}).terms
    assert term.reference_term("Observation.subject", "Group/2") in terms
    assert term.reference_term("Observation.patient", "Group/2") not in terms


def test_a_patient_is_in_its_own_compartment_and_a_group_in_none() -> None:
    assert term.compartment_term("Patient/1") in index("Patient").terms
    assert term.compartment_term("Group/1") not in index("Group").terms


def test_identifier_of_a_reference_is_indexed() -> None:
    found = index("Observation", subject={"identifier": {"system": "urn:x", "value": "7"}})
    assert set(reference.identifier_terms("Observation.subject", "urn:x", "7")) <= set(found.terms)


def test_listed_references_become_bare_keys() -> None:
    found = entry({"resourceType": "Basic", "id": "1"}, ["Patient/9", "urn:uuid:1"], BASE)
    assert term.resource_key("Patient/9") in found.terms
    assert term.resource_key("urn:uuid:1") not in found.terms


def test_names_are_indexed_by_every_part_without_case_and_accents() -> None:
    found = index("Patient", name=[{"family": "Müller", "given": ["José  Luis"], "text": "M J"}])
    values = {row.value for row in found.strings if row.param == param("Patient", "name")}
    assert values == {"muller", "jose luis", "m j"}
    assert string.exact("Patient.name", "Müller") in found.terms
    assert string.exact("Patient.name", "muller") not in found.terms


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("1970", "1970-01-01T00:00:00.0Z", "1971-01-01T00:00:00.000000Z"),
        ("1970-12", "1970-12-01T00:00:00.0Z", "1971-01-01T00:00:00.000000Z"),
        ("2020-02-29", "2020-02-29T00:00:00.0Z", "2020-03-01T00:00:00.000000Z"),
        ("2020-01-01T01:00+01:00", "2020-01-01T00:00:00.0Z", "2020-01-01T00:01:00.000000Z"),
        ("2020-01-01T00:00:00", "2020-01-01T00:00:00.0Z", "2020-01-01T00:00:01.000000Z"),
        ("2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.600000Z"),
    ],
)
def test_partial_dates_span_what_they_leave_open(text: str, first: str, after: str) -> None:
    begin, end = date.span(first), date.span(after)
    assert begin
    assert end
    assert date.span(text) == (begin[0], end[0] - 1)


@pytest.mark.parametrize("text", ["", "2020-13", "2021-02-29", "20", "2020-01-01T25:00Z", "x"])
def test_what_is_no_date_has_no_span(text: str) -> None:
    assert date.span(text) is None


def test_periods_are_open_where_an_end_is_missing() -> None:
    assert date.period({"start": "1970"}) == (0, date.LATEST)
    assert date.period({"end": "1969"}) == (date.EARLIEST, -1)
    assert date.period({}) is None


def test_quantity_has_one_row_for_code_and_one_for_another_text() -> None:
    value = {"value": Decimal("5.40"), "unit": "milligram", "system": "urn:ucum", "code": "mg"}
    rows = index("Observation", valueQuantity=value).numbers
    mine = [row[1:5] for row in rows if row[0] == param("Observation", "value-quantity")]
    exact, both = Decimal("5.40"), quantity.system_unit("urn:ucum", "mg")
    assert mine == [
        (exact, exact, both, quantity.unit("mg")),
        (exact, exact, 0, quantity.unit("milligram")),
    ]


def test_uri_is_found_below_each_path_above_it() -> None:
    terms = index("ValueSet", url="http://a.b/c/d").terms
    assert uri.exact("ValueSet.url", "http://a.b/c/d") in terms
    assert uri.below("ValueSet.url", "http://a.b/c") in terms
    assert uri.below("ValueSet.url", "http://a.b/x") not in terms


def test_tag_profile_and_presence_are_terms() -> None:
    found = index("Basic", meta={"tag": [{"code": "t"}], "profile": ["http://p|1"]})
    assert token.any_system("Basic._tag", "t") in found.terms
    assert {uri.exact("Basic._profile", each) for each in ("http://p", "http://p|1")} <= set(
        found.terms
    )
    assert fields("Basic")["_tag"].present in found.terms
    assert fields("Basic")["_security"].present not in found.terms


def test_terms_are_sorted_and_unique() -> None:
    terms = index(
        "Observation", status="final", code={"coding": [{"code": "a"}, {"code": "a"}]}
    ).terms
    assert terms == sorted(set(terms))
