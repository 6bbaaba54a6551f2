"""What _filter finds and what it refuses, decided in memory."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.errors import InvalidParameter
from fhir_server.search import sql
from fhir_server.search.entry import entry
from fhir_server.search.match import match
from fhir_server.search.parse import parse
from fhir_server.search.predicates import AllOf, PointedFrom, PointsTo

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "meta": {"lastUpdated": "2024-05-01T10:00:00Z"},
    "gender": "female",
    "birthDate": "1980-06",
    "name": [{"family": "Müller Jr", "given": ["Ann", "Eve"]}],
    "identifier": [{"system": "urn:mrn", "value": "A|1"}],
    "managingOrganization": {"reference": "Organization/9"},
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "2",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
    "effectivePeriod": {"start": "2024-01-10", "end": "2024-01-20"},
    "valueQuantity": {
        "value": Decimal(100),
        "unit": "mg",
        "system": "http://unitsofmeasure.org",
        "code": "mg",
    },
}
RISK: dict[str, Any] = {
    "resourceType": "RiskAssessment",
    "id": "3",
    "status": "final",
    "subject": {"reference": "Patient/1"},
    "prediction": [{"probabilityDecimal": Decimal("0.5")}],
}
DOCUMENT: dict[str, Any] = {
    "resourceType": "DocumentReference",
    "id": "5",
    "relatesTo": [
        {"code": "replaces", "target": {"reference": "DocumentReference/1"}},
        {"code": "signs", "target": {"reference": "DocumentReference/2"}},
    ],
}
VALUE_SET: dict[str, Any] = {
    "resourceType": "ValueSet",
    "id": "4",
    "status": "active",
    "url": "http://a.b/c",
}


def holds(resource: dict[str, Any], text: str) -> bool:
    return match(parse(resource["resourceType"], [("_filter", text)]), entry(resource))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('family eq "muller jr"', True),
        ('family eq "muller"', False),
        ("family sw MUL", True),
        ("family sw jr", False),
        ("family ew jr", True),
        ("family ew mull", False),
        ('family co "ER J"', True),
        ("family co x", False),
        ('family co "%"', False),
        ("family gt m", True),
        ("family gt n", False),
        ("family lt n", True),
        ('family ge "muller jr"', True),
        ('family le "Muller Jr"', True),
        ("family le a", False),
        ("given eq ann", True),
        ("given ne ann", False),
        ("given ne bob", True),
        ("phone ne 1", True),
        ("phone pr false", True),
        ("phone pr true", False),
        ('given pr "true"', True),
        ("gender eq female", True),
        ("gender eq http://hl7.org/fhir/administrative-gender|female", True),
        ("gender ne female", False),
        ("gender ne male", True),
        (r"identifier eq urn:mrn|A\|1", True),
        (r'identifier eq "urn:mrn|A\\|1"', True),
        (r"identifier eq urn:other|A\|1", False),
        ("birthdate eq 1980", True),
        ("birthdate ne 1980", False),
        ("birthdate ne 1981", True),
        ("birthdate gt 1979", True),
        ("birthdate lt 1980-06-01", False),
        ("birthdate sa 1979", True),
        ("birthdate eb 1980", False),
        ("birthdate ap 1980-06", True),
        ("birthdate co 1980-06-15", True),
        ("birthdate co 1980", False),
        ("birthdate po 1980-06-15", True),
        ("birthdate po 1980-07", False),
        ("organization re Organization/9", True),
        ("organization eq Organization/8", False),
        ("organization ne Organization/8", True),
        ("_id eq 1", True),
        ("_id ne 1", False),
        ("_lastUpdated ge 2024", True),
        ("_lastUpdated po 2023", False),
    ],
)
def test_patient_fulfils(text: str, expected: bool) -> None:
    assert holds(PATIENT, text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("code eq loinc|8867-4", True),
        ("code eq snomed|8867-4", False),
        ("code eq 8867-4", True),
        ("date po 2024-01-15", True),
        ("date co 2024-01-15", True),
        ("date eq 2024-01-15", False),
        ("date co 2024-01-15T10:00:00+02:00", True),
        ("date po 2024-02", False),
        ("value-quantity eq 100", True),
        ("value-quantity gt 99|ucum|mg", True),
        ("value-quantity gt 99|loinc|mg", False),
        ("value-quantity ne 100||mg", False),
        ("value-quantity pr true", True),
    ],
)
def test_observation_fulfils(text: str, expected: bool) -> None:
    assert holds(OBSERVATION, text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("co 0.5", True), ("co 0.50", True), ("co 0.51", False), ("eq 0.5", True), ("ap 0.52", True)],
)
def test_risk_fulfils(text: str, expected: bool) -> None:
    assert holds(RISK, f"probability {text}") is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("relatesTo[code eq replaces].target re DocumentReference/1", True),
        ("relatesTo[target re DocumentReference/2].code eq signs", True),
        ("relatesTo[code eq replaces].target re DocumentReference/2", False),
        ("relatesto re DocumentReference/2 and relation eq replaces", True),
    ],
)
def test_parts_that_a_filter_groups_are_about_one_element(text: str, expected: bool) -> None:
    assert holds(DOCUMENT, text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status in http://hl7.org/fhir/ValueSet/observation-status", True),
        ("status ni http://hl7.org/fhir/ValueSet/observation-status", False),
        ("code ss loinc|8867-4", True),
        ("code sb loinc|1234-5", False),
        ("code-value-quantity eq 8867-4$ge100", True),
        ("code-value-quantity ne 8867-4$ge100", False),
    ],
)
def test_value_sets_hierarchies_and_composites_are_asked(text: str, expected: bool) -> None:
    assert holds(OBSERVATION, text) is expected


def test_a_uri_is_equal_or_not() -> None:
    assert holds(VALUE_SET, "url eq http://a.b/c")
    assert not holds(VALUE_SET, "url ne http://a.b/c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gender eq male or given eq ann", True),
        ("gender eq male and given eq ann", False),
        ("not (gender eq male)", True),
        ("not(gender eq male or given eq ann)", False),
        ("gender eq male and given eq x or given eq ann", True),
        ("given eq ann or gender eq male and gender eq male", False),
        ("given eq ann or (gender eq male and gender eq male)", True),
        ("(given eq ann)and(not (gender eq male))", True),
        ("  ( (given eq ann) )  ", True),
    ],
)
def test_and_and_or_go_from_left_to_right(text: str, expected: bool) -> None:
    assert holds(PATIENT, text) is expected


def test_several_filters_have_to_hold_all() -> None:
    pairs = [("_filter", "given eq ann"), ("_filter", "gender eq male")]
    assert not match(parse("Patient", pairs), entry(PATIENT))
    assert match(parse("Patient", pairs[:1]), entry(PATIENT))


def test_a_filter_on_a_reference_and_its_chain_are_about_one_target() -> None:
    text = 'subject:Patient[family eq "x"].birthdate gt 2000'
    (condition,) = parse("Observation", [("_filter", text)]).conditions
    assert isinstance(condition.predicate, PointsTo)
    assert isinstance(condition.predicate.predicate, AllOf)
    assert condition.values == (text,)


@pytest.mark.parametrize(
    "text",
    [
        'subject.name co "pet"',
        "subject[name eq x].birthdate gt 2000",
        "subject.organization.name sw x or encounter.status eq finished",
        "_has:Provenance:target:agent.type eq x",
        "subject:Patient._has:Encounter:patient:status eq finished",
        "subject:Patient._has:Encounter:patient:location[name eq x].status eq active",
    ],
)
def test_paths_lead_to_other_resources(text: str) -> None:
    query = parse("Observation", [("_filter", text)])
    assert "FROM resource r1" in sql.matches(query).text
    with pytest.raises(InvalidParameter, match="chain"):
        match(query, entry(OBSERVATION))


def test_has_is_followed_back() -> None:
    query = parse("Patient", [("_filter", "_has:Observation:patient:encounter.status eq x")])
    (condition,) = query.conditions
    assert isinstance(condition.predicate, PointedFrom)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("Patient", "", "no value"),
        ("Patient", "   ", r"character 4: expected a parameter.*found the end"),
        ("Patient", "family", "character 7: expected a space and one of the operators eq, ne"),
        ("Patient", "family is x", "character 8: expected .* operators"),
        ("Patient", "family eq", "character 10: expected a space and a value"),
        ("Patient", "family eq )", "character 11: expected a value"),
        ("Patient", 'family eq "x', "character 11: .*closing quotation mark"),
        ("Patient", r'family eq "\x"', "character 11: .*as JSON does"),
        ("Patient", r'family eq "\ud800"', "character 11: .*as JSON does"),
        ("Patient", r'family eq "\u0000"', "character 11: .*NUL"),
        ("Patient", 'family eq ""', "character 11: .*has to have a character"),
        ("Patient", 'family eq "a"b', "character 14: expected 'and', 'or' or the end, found 'b'"),
        ("Patient", "(family eq x", r"character 13: expected 'and', 'or' or '\)'"),
        ("Patient", "family eq x)", "character 12: expected 'and', 'or' or the end"),
        ("Patient", "family eq x xor gender eq y", "character 13: expected 'and', 'or'"),
        ("Patient", "family eq x and", "character 13: expected 'and', 'or' or the end"),
        ("Patient", "family eq x and ", r"character 17: expected a parameter"),
        ("Patient", "not family eq x", "character 5: expected .*operators"),
        ("Patient", "organization[name eq x", r"character 23: expected .* '\]'"),
        ("Patient", "organization[name eq x] pr true", r"character 25: expected '\.'"),
        ("Patient", "organization. eq x", "character 15: expected a parameter"),
        ("Patient", "famly eq x", "character 1: .*Did you mean 'family'"),
        ("Patient", "gender eq x or famly eq x", "character 16: .*Did you mean 'family'"),
        ("Patient", "gender co x", "character 1: 'co' means nothing.*eq, ne, pr, ss"),
        ("Patient", "birthdate sw 19", "'sw' means nothing for the date .*gt, lt"),
        ("Patient", "family ss x", "'ss' means nothing for the string"),
        ("Patient", "organization co 9", "'co' means nothing for the reference .*re"),
        ("ValueSet", "url sw http://a", "'sw' means nothing for the uri .*eq, ne, pr"),
        ("Patient", "family pr yes", "true or false"),
        ("Patient", "_id pr true", "never missing"),
        ("Patient", "birthdate gt soon", "'birthdate' is wrong"),
        ("Patient", "birthdate eq ge2020", "leave out 'ge'"),
        ("Patient", "birthdate po ge2020", "leave out 'ge'"),
        ("Patient", "family:exact eq x", "'?family:exact'? is not for _filter"),
        ("Patient", "family.name eq x", "is no reference"),
        ("Patient", "organization[famly eq x].name eq y", "character 14: .*famly"),
        ("Patient", "organization.nme eq y", "character 1: No target.*Did you mean 'name'"),
        ("Patient", "_has:Observation:code:status eq x", "character 1: .*no reference"),
        ("Patient", "_has:Observation eq x", "character 1: .*_has:Type"),
        ("Organization", ".".join(["partof"] * 12) + " eq x", "more than 10 names"),
        ("Group", "characteristic[code gt x].value eq y", "code eq x"),
        ("Patient", " or ".join(["family eq x"] * 1001), "more than 1000 comparisons"),
        ("Patient", " or gender eq y and ".join(["family eq x"] * 60), "more than 50 deep"),
        ("Patient", "(" * 1_000_000, "character 5.: it nests more than 50 deep"),
        ("Patient", "not (" * 200_000, "nests more than 50 deep"),
        ("Patient", "organization[" * 80_000, "nests more than 50 deep"),
        ("Patient", 'family eq "' + "x" * 1_000_000, "closing quotation mark"),
    ],
    ids=lambda value: value[:40],
)
def test_what_means_nothing_is_refused_at_its_character(kind: str, text: str, words: str) -> None:
    with pytest.raises(InvalidParameter, match=words) as raised:
        parse(kind, [("_filter", text)])
    assert raised.value.status == 400
    assert "_filter" in str(raised.value)


def test_a_thousand_comparisons_and_fifty_levels_are_taken() -> None:
    assert holds(PATIENT, " or ".join(["family eq x"] * 999 + ["given eq ann"]))
    assert holds(PATIENT, "(" * 50 + "given eq ann" + ")" * 50)
    deep = " or gender eq y and ".join(["given eq ann"] * 25)
    sql.matches(parse("Patient", [("_filter", deep)]))
