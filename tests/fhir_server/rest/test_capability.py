"""The CapabilityStatement says what works, and what it says works."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_server import validation
from fhir_server.definitions import structures
from fhir_server.rest.capability import statement
from tests.examples import a_patient
from tests.http import Client


@pytest.fixture
def rest(client: Client) -> dict[str, Any]:
    answer = client.get("metadata")
    assert answer.status == 200
    (found,) = answer.json["rest"]
    return dict(found)


def test_it_is_valid_r4(client: Client) -> None:
    statement = client.get("metadata").json
    assert statement["fhirVersion"] == "4.0.1"
    assert [issue for issue in validation.validate(statement) if issue.severity == "error"] == []


def test_it_names_every_concrete_type_of_r4_and_no_other(rest: dict[str, Any]) -> None:
    names = [each["type"] for each in rest["resource"]]
    assert sorted(names) == sorted(structures.resource_types())
    assert len(names) == 146
    assert "Resource" not in names


def test_every_type_it_names_is_served(client: Client, rest: dict[str, Any]) -> None:
    for each in rest["resource"]:
        name = each["type"]
        assert client.get(f"{name}?_count=0").status == 200, name
        assert client.get(f"{name}/nothing").status == 404, name
        assert client.get(f"{name}/_history").status == 200, name


def test_every_operation_it_names_is_there(client: Client, rest: dict[str, Any]) -> None:
    client.stored(a_patient(id="p1"))
    (patient,) = [each for each in rest["resource"] if each["type"] == "Patient"]
    names = {each["name"] for each in patient["operation"]}
    assert {"validate", "everything", "meta", "meta-add", "meta-delete"} <= names
    for name in names:
        answer = client.post(f"Patient/p1/${name}")
        assert answer.status != 404, name
    assert {each["name"] for each in rest["operation"]} >= {"versions"}


def test_every_search_parameter_it_names_is_taken(client: Client, rest: dict[str, Any]) -> None:
    samples = {
        "number": "1",
        "date": "2020",
        "string": "x",
        "token": "x",
        "reference": "Patient/1",
        "composite": "x$1",
        "quantity": "1",
        "uri": "http://x.example",
    }
    (patient,) = [each for each in rest["resource"] if each["type"] == "Patient"]
    assert {"identifier", "family", "birthdate", "_id"} <= {
        each["name"] for each in patient["searchParam"]
    }
    refused = []
    for parameter in patient["searchParam"]:
        if parameter["type"] in samples:
            path = f"Patient?{parameter['name']}={samples[parameter['type']]}"
            if client.get(path).status != 200:
                refused.append(parameter["name"])
    assert refused == []


def test_the_formats_it_names_are_spoken_and_others_not(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    for name in client.get("metadata").json["format"]:
        assert client.get("Patient/p1", accept=name).status == 200, name
    assert client.get("Patient/p1", accept="text/turtle").status == 406


def test_the_interactions_it_names_are_possible_and_others_not(
    client: Client, rest: dict[str, Any]
) -> None:
    (patient,) = [each for each in rest["resource"] if each["type"] == "Patient"]
    assert {each["code"] for each in patient["interaction"]} == {
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    }
    assert {each["code"] for each in rest["interaction"]} >= {
        "transaction",
        "batch",
        "history-system",
    }
    system_search = client.get("?_type=Patient").status == 200
    assert system_search == ("search-system" in {each["code"] for each in rest["interaction"]})


def test_head_and_other_forms(client: Client) -> None:
    assert client.head("metadata").status == 200
    assert client.get("metadata?_summary=true").status == 200
    assert client.post("metadata", b"{}").status == 405


@pytest.mark.parametrize("integrity", [True, False])
def test_it_says_that_references_are_enforced_only_where_they_are(integrity: bool) -> None:
    said = json.loads(statement("http://here/fhir", frozenset(), integrity=integrity))
    policies = {tuple(each["referencePolicy"]) for each in said["rest"][0]["resource"]}
    assert len(policies) == 1
    assert ("enforced" in policies.pop()) is integrity


def test_it_asks_for_no_if_match_which_updates_do_without(
    client: Client, rest: dict[str, Any]
) -> None:
    client.stored(a_patient(id="p1"))
    assert client.put("Patient/p1", a_patient(id="p1", active=True)).status == 200
    assert {each["versioning"] for each in rest["resource"]} == {"versioned"}
