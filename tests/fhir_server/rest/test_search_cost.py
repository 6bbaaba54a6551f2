"""What a search costs: refused when it is too much, told in words to who may know."""

from __future__ import annotations

import pytest

from fhir_server.context import Store
from fhir_server.rest.call import Limits
from tests.fhir_server.conftest import Connect
from tests.http import Client

DEAR = [
    "Patient?name:contains=x",
    "Patient?gender:not=male",
    "Patient?_sort=gender",
    "Observation?subject:Patient.name=x",
    "Patient?_has:Observation:subject:status=final",
]


@pytest.fixture
def poor(store: Store, connect: Connect) -> Client:
    return connect(store, Limits(search_cost=0.001))


@pytest.mark.parametrize("query", DEAR)
def test_a_search_beyond_the_limit_is_refused_with_advice(poor: Client, query: str) -> None:
    answer = poor.get(query)
    assert (answer.status, answer.codes) == (400, ["too-costly"])
    assert "Add a condition" in answer.said


def test_what_an_index_narrows_is_not_planned_beforehand(poor: Client) -> None:
    assert poor.get("Patient?identifier=urn:x|1").status == 200
    assert poor.get("Patient?_id=1&name:contains=x").status == 200


@pytest.mark.parametrize("query", DEAR)
def test_within_the_limit_it_is_answered(client: Client, query: str) -> None:
    assert client.get(query).status == 200


def test_the_plan_is_told_in_words(store: Store, connect: Connect) -> None:
    client = connect(store, Limits(explain=True))
    answer = client.get("Patient?identifier=urn:x|1&name:contains=x&_explain=true")
    assert answer.status == 200
    parts = answer.json["parameter"]
    assert [each["name"] for each in parts] == ["search", "condition", "condition"]
    said = {part["name"]: part for part in parts[2]["part"]}
    assert said["parameter"]["valueString"] == "name:contains"
    assert "Add a condition" in said["advice"]["valueString"]
    assert "estimatedRows" in said


def test_the_plan_is_not_for_everyone(client: Client) -> None:
    answer = client.get("Patient?_explain=true")
    assert (answer.status, answer.codes) == (403, ["forbidden"])
