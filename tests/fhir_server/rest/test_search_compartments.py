"""The five compartments of R4. https://hl7.org/fhir/R4/compartmentdefinition.html"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions import compartments
from tests.fhir_server.rest.test_search_includes import names
from tests.http import Client


def reference(target: str) -> dict[str, str]:
    return {"reference": target}


RECORD: tuple[dict[str, Any], ...] = (
    {"resourceType": "Patient", "id": "p"},
    {"resourceType": "Practitioner", "id": "doc"},
    {"resourceType": "Device", "id": "d", "patient": reference("Patient/p")},
    {"resourceType": "RelatedPerson", "id": "r", "patient": reference("Patient/p")},
    {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": reference("Patient/p"),
        "participant": [{"individual": reference("Practitioner/doc")}],
    },
    {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"text": "x"},
        "subject": reference("Patient/p"),
        "encounter": reference("Encounter/e"),
        "performer": [reference("Practitioner/doc"), reference("RelatedPerson/r")],
        "device": reference("Device/d"),
    },
    {
        "resourceType": "Observation",
        "id": "alone",
        "status": "final",
        "code": {"text": "x"},
    },
)


@pytest.fixture
def record(client: Client) -> Client:
    for resource in RECORD:
        client.stored(resource)
    return client


@pytest.mark.parametrize(
    ("compartment", "members"),
    [
        ("Patient/p", ["Encounter/e", "Observation/o", "Patient/p", "RelatedPerson/r"]),
        ("Practitioner/doc", ["Encounter/e", "Observation/o", "Practitioner/doc"]),
        ("RelatedPerson/r", ["Observation/o", "RelatedPerson/r"]),
        ("Encounter/e", ["Encounter/e", "Observation/o"]),
        ("Device/d", ["Device/d", "Observation/o"]),
    ],
)
def test_a_compartment_has_what_refers_to_its_centre(
    record: Client, compartment: str, members: list[str]
) -> None:
    assert names(record.get(f"{compartment}/*"), "match") == members
    assert names(record.get(f"{compartment}/Observation"), "match") == ["Observation/o"]
    assert names(record.get(f"{compartment}/Observation?status=amended"), "match") == []


@pytest.mark.parametrize("name", compartments.compartments())
def test_a_type_that_is_never_in_a_compartment_is_refused(client: Client, name: str) -> None:
    answer = client.get(f"{name}/1/StructureDefinition")
    assert answer.status == 400
    assert "never in the compartment" in answer.said
    assert client.get(f"{name}/1/*?_type=StructureDefinition").status == 400
    assert client.get(f"{name}/1/Observation").status == 200


def test_only_what_names_a_compartment_is_one(client: Client) -> None:
    assert client.get("Group/1/Observation").status == 404
    assert client.get("Group/1/*").status == 404
    assert client.put("Patient/1/Observation", {"resourceType": "Observation"}).status == 405


def test_includes_go_beyond_the_compartment(record: Client) -> None:
    answer = record.get("Patient/p/Observation?_include=Observation:performer:Practitioner")
    assert names(answer, "include") == ["Practitioner/doc"]


def test_the_statement_names_all_compartments_and_what_all_types_have(client: Client) -> None:
    (rest,) = client.get("metadata").json["rest"]
    listed = {each.rpartition("/")[2].lower() for each in rest["compartment"]}
    assert listed == {name.lower() for name in compartments.compartments()}
    shared = {each["name"] for each in rest["searchParam"]}
    assert shared >= {"_id", "_lastUpdated", "_tag", "_profile", "_security"}
    assert "identifier" not in shared
    observation = next(each for each in rest["resource"] if each["type"] == "Observation")
    assert {"*", "Observation:subject"} <= set(observation["searchInclude"])
    assert "Observation:code" not in observation["searchInclude"]
    assert "Provenance:target" in observation["searchRevInclude"]
