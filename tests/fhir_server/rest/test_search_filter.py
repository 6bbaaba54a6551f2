"""_filter, _list, _has and chains over the database: what SQL finds is what match would."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.examples import SYSTEM, a_patient, an_encounter, an_observation_of, an_organization
from tests.http import Client

ANN, BOB, TREE = "Patient/ann", "Patient/bob", "Patient/tree"


@pytest.fixture
def stored(client: Client) -> Client:
    client.stored(an_organization(id="north", name="North"))
    client.stored(
        a_patient(
            id="ann",
            gender="female",
            birthDate="1980-06",
            name=[{"family": "M\u00fcller Jr", "given": ["Ann", "Eve"]}],
            identifier=[{"system": SYSTEM, "value": "1"}],
            managingOrganization={"reference": "Organization/north"},
        )
    )
    client.stored(a_patient(id="bob", gender="male", birthDate="1990", name=[{"family": "50%_"}]))
    client.stored(a_patient(id="tree"))
    client.stored(an_encounter(id="visit", subject={"reference": ANN}))
    client.stored(
        an_observation_of(
            ANN,
            id="pulse",
            encounter={"reference": "Encounter/visit"},
            effectivePeriod={"start": "2024-01-10", "end": "2024-01-20"},
            valueQuantity={"value": 72, "system": "http://unitsofmeasure.org", "code": "/min"},
        )
    )
    client.stored(an_observation_of(BOB, id="other", status="amended"))
    entries = [{"item": {"reference": ANN}}, {"item": {"reference": "Observation/pulse"}}]
    client.stored(
        {
            "resourceType": "List",
            "id": "few",
            "status": "current",
            "mode": "working",
            "entry": entries,
        }
    )
    return client


def found(client: Client, type_: str, name: str, value: str) -> set[str]:
    answer = client.get(f"{type_}?{name}={quote(value, safe='')}")
    assert answer.status == 200, answer.body
    resources = [entry["resource"] for entry in answer.json.get("entry", [])]
    return {f"{each['resourceType']}/{each['id']}" for each in resources}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('family eq "muller JR"', {ANN}),
        ("family eq muller", set()),
        ("family ew jr", {ANN}),
        ("family ew %_", {BOB}),
        ("family co %", {BOB}),
        ("family sw 5", {BOB}),
        ("family gt 6", {ANN}),
        ("family le 50%_", {BOB}),
        ("family pr false", {TREE}),
        ("given ne ann", {BOB, TREE}),
        ("gender eq male or not (family pr true)", {BOB, TREE}),
        ("gender eq male or gender eq female and family sw m", {ANN}),
        ("gender eq male or (gender eq female and family sw m)", {ANN, BOB}),
        ("birthdate co 1980-06-15", {ANN}),
        ("birthdate po 1990-05", {BOB}),
        ("birthdate ge 1980-06", {ANN, BOB}),
        ("birthdate ne 1990", {ANN, TREE}),
        ("_lastUpdated po 1999", set()),
        ("_id ne ann", {BOB, TREE}),
        (f"identifier eq {SYSTEM}|1", {ANN}),
        ("organization re Organization/north", {ANN}),
        ("organization.name sw no or gender eq male", {ANN, BOB}),
        ("organization[name eq north]._id eq north", {ANN}),
        ("organization[name eq south]._id eq north", set()),
        ("_has:Observation:patient:status eq amended or given eq eve", {ANN, BOB}),
    ],
)
def test_filter_finds_patients(stored: Client, text: str, expected: set[str]) -> None:
    assert found(stored, "Patient", "_filter", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date co 2024-01-15 and code eq loinc|8867-4", {"Observation/pulse"}),
        ("date po 2024-01 and value-quantity lt 100|ucum|/min", {"Observation/pulse"}),
        ("date pr false", {"Observation/other"}),
        ('subject.name co "lle"', {"Observation/pulse"}),
        ("subject[gender eq male].name pr true", {"Observation/other"}),
        ("subject[gender eq female].name ew %_", set()),
    ],
)
def test_filter_finds_observations(stored: Client, text: str, expected: set[str]) -> None:
    assert found(stored, "Observation", "_filter", text) == expected


@pytest.mark.parametrize(
    ("type_", "name", "value", "expected"),
    [
        ("Patient", "_list", "few", {ANN}),
        ("Patient", "_list", "none,few", {ANN}),
        ("Patient", "_list", "none", set()),
        ("Observation", "_list", "few", {"Observation/pulse"}),
        ("Observation", "subject._list", "few", {"Observation/pulse"}),
        ("Patient", "_has:Observation:patient:encounter.status", "finished", {ANN}),
        ("Patient", "_has:Observation:patient:encounter.status:not", "finished", set()),
        ("Patient", "_has:Observation:subject:_has:List:item:status", "current", {ANN}),
        ("Patient", "_has:Observation:patient:_id", "other", {BOB}),
        ("Patient", "_has:Observation:patient:_filter", "status ne final", {BOB}),
        ("Observation", "subject:Patient._has:Encounter:patient:status", "finished", {"Observation/pulse"}),
        ("Observation", "subject:Patient.organization.name", "nor", {"Observation/pulse"}),
        ("Observation", "subject.name:contains", "ULLE", {"Observation/pulse"}),
        ("Observation", "subject:Patient.given:missing", "true", {"Observation/other"}),
        ("Observation", "encounter.subject:Patient._id", "ann", {"Observation/pulse"}),
        ("Encounter", "patient.gender:not", "male", {"Encounter/visit"}),
    ],
)  # fmt: skip
def test_lists_and_references_lead_to(
    stored: Client, type_: str, name: str, value: str, expected: set[str]
) -> None:
    assert found(stored, type_, name, value) == expected


def test_several_filters_and_other_parameters_are_joined_by_and(stored: Client) -> None:
    path = "Patient?gender=female&_filter=given%20eq%20ann&_filter=family%20"
    assert len(stored.get(f"{path}sw%20m&_sort=-birthdate&_count=1").json["entry"]) == 1
    assert "entry" not in stored.get(f"{path}sw%20x").json


def test_a_filter_is_also_taken_by_post(stored: Client) -> None:
    form = b"_filter=given+eq+%22ann%22"
    kind = "application/x-www-form-urlencoded"
    answer = stored.post("Patient/_search", form, content_type=kind)
    assert [entry["resource"]["id"] for entry in answer.json["entry"]] == ["ann"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("_filter", "given eq", "_filter, character 9: expected a space and a value"),
        ("_filter:not", "given eq x", "neither modifier nor chain"),
        ("_filter", "(" * 5000, "nests more than 50 deep"),
        ("_list", "$current-problems", "functional list"),
        ("_list", "a b", "id of a List"),
        ("_list", "few,,", "empty value"),
        ("_query", "mine", "no named queries are defined here"),
        ("_has:Observatoin:patient:code", "x", "Did you mean 'Observation'"),
        ("_has:Observation:patiet:code", "x", "Did you mean 'patient'"),
        ("_has", "x", "_has:Type:reference:parameter"),
        ("organization.nam", "x", "Did you mean 'name'"),
        ("family:exat", "x", "Did you mean 'exact'"),
        ("_sort", "birthdat", "Did you mean 'birthdate'"),
        ("_include", "Patint:organization", "Did you mean 'Patient'"),
        ("_include", "Patient:organisation", "Did you mean 'organization'"),
        ("_lis", "x", "Did you mean '_list'"),
    ],
)
def test_what_means_nothing_is_400_and_says_why(
    stored: Client, name: str, value: str, words: str
) -> None:
    answer = stored.get(f"Patient?{name}={quote(value, safe='')}")
    assert answer.status == 400
    assert words in answer.said
