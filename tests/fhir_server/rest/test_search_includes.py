"""_include and _revinclude: what comes beside the matches, each once. https://hl7.org/fhir/R4/search.html#include"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.context import Store
from fhir_server.rest.call import Limits
from tests.fhir_server.conftest import Connect
from tests.http import Answer, Client

RECORD: tuple[dict[str, Any], ...] = (
    {"resourceType": "Organization", "id": "top", "name": "Top"},
    {
        "resourceType": "Organization",
        "id": "ward",
        "name": "Ward",
        "partOf": {"reference": "Organization/top"},
    },
    {"resourceType": "Practitioner", "id": "doc"},
    {
        "resourceType": "Patient",
        "id": "p",
        "managingOrganization": {"reference": "Organization/ward"},
        "generalPractitioner": [{"reference": "Practitioner/doc"}],
    },
    *(
        {
            "resourceType": "Observation",
            "id": f"o{number}",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": "Patient/p"},
            "performer": [{"reference": "Practitioner/doc"}],
        }
        for number in range(3)
    ),
    {
        "resourceType": "Provenance",
        "id": "v",
        "target": [{"reference": "Observation/o0"}],
        "recorded": "2024-01-01T00:00:00Z",
        "agent": [{"who": {"reference": "Practitioner/doc"}}],
    },
)


@pytest.fixture
def record(client: Client) -> Client:
    for resource in RECORD:
        client.stored(resource)
    return client


def names(answer: Answer, mode: str) -> list[str]:
    assert answer.status == 200, answer.body
    listed = [
        f"{each['resource']['resourceType']}/{each['resource'].get('id')}"
        for each in answer.json.get("entry", [])
        if each["search"]["mode"] == mode
    ]
    assert len(listed) == len(set(listed)), "a resource stands twice in the page"
    return sorted(listed)


@pytest.mark.parametrize(
    ("query", "included"),
    [
        ("Observation?_include=Observation:subject", ["Patient/p"]),
        ("Observation?_include=Observation:performer:Practitioner", ["Practitioner/doc"]),
        ("Observation?_include=Observation:performer:Patient", []),
        ("Observation?_include=Observation:subject&_include=Patient:organization", ["Patient/p"]),
        (
            "Observation?_include=Observation:subject&_include:iterate=Patient:organization",
            ["Organization/ward", "Patient/p"],
        ),
        (
            "Patient?_include=Patient:organization&_include:iterate=Organization:partof",
            ["Organization/top", "Organization/ward"],
        ),
        ("Observation?_include=*", ["Patient/p", "Practitioner/doc"]),
        ("Observation?_include=Observation:*", ["Patient/p", "Practitioner/doc"]),
        (
            "Patient?_revinclude=Observation:subject",
            ["Observation/o0", "Observation/o1", "Observation/o2"],
        ),
        ("Patient?_revinclude=Observation:subject:Group", []),
        (
            "Patient?_revinclude=Observation:patient&_revinclude:iterate=Provenance:target",
            ["Observation/o0", "Observation/o1", "Observation/o2", "Provenance/v"],
        ),
        ("Observation?_id=o0&_revinclude=*", ["Provenance/v"]),
        ("Observation?_id=o0&_revinclude=Provenance:*", ["Provenance/v"]),
        ("Organization?_id=top&_revinclude:iterate=Organization:partof", ["Organization/ward"]),
    ],
)
def test_beside_the_matches_comes(record: Client, query: str, included: list[str]) -> None:
    assert names(record.get(query), "include") == included


def test_a_match_is_not_included_once_more(record: Client) -> None:
    answer = record.get("Organization?_include=Organization:partof")
    assert names(answer, "match") == ["Organization/top", "Organization/ward"]
    assert names(answer, "include") == []


def test_what_was_deleted_is_not_included(store: Store, connect: Connect) -> None:
    client = connect(Store(store.database, store.blobs, store.base, integrity=False))
    client.stored({"resourceType": "Patient", "id": "p"})
    client.stored(
        {
            "resourceType": "Basic",
            "id": "b",
            "code": {"text": "x"},
            "subject": {"reference": "Patient/p"},
        }
    )
    assert names(client.get("Basic?_include=Basic:subject"), "include") == ["Patient/p"]
    assert client.delete("Patient/p").status in (200, 204)
    assert names(client.get("Basic?_include=Basic:subject"), "include") == []


FORM: tuple[dict[str, Any], ...] = (
    *(
        {
            "resourceType": "Questionnaire",
            "id": f"q{version}",
            "url": "http://forms.example/q",
            "version": version,
            "status": "active",
        }
        for version in ("1", "2")
    ),
    *(
        {
            "resourceType": "QuestionnaireResponse",
            "id": identity,
            "questionnaire": f"http://forms.example/{named}",
            "status": "completed",
        }
        for identity, named in (("any", "q"), ("one", "q|1"), ("three", "q|3"), ("other", "p"))
    ),
)


@pytest.mark.parametrize(
    ("query", "included"),
    [
        ("_id=any&_include=QuestionnaireResponse:questionnaire", ["q1", "q2"]),
        ("_id=one&_include=QuestionnaireResponse:questionnaire", ["q1"]),
        ("_id=one&_include=QuestionnaireResponse:questionnaire:Questionnaire", ["q1"]),
        ("_id=one&_include=*", ["q1"]),
        ("_id=three&_include=QuestionnaireResponse:questionnaire", []),
        ("_id=other&_include=QuestionnaireResponse:questionnaire", []),
        ("_id=one&_include=QuestionnaireResponse:subject", []),
    ],
)
def test_a_canonical_url_includes_what_it_names(
    client: Client, query: str, included: list[str]
) -> None:
    for resource in FORM:
        client.stored(resource)
    found = names(client.get(f"QuestionnaireResponse?{query}"), "include")
    assert found == [f"Questionnaire/{each}" for each in included]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("QuestionnaireResponse?questionnaire.version=1", ["any", "one"]),
        ("QuestionnaireResponse?questionnaire.version=2", ["any"]),
        ("QuestionnaireResponse?questionnaire:Questionnaire.status=active", ["any", "one"]),
        ("QuestionnaireResponse?questionnaire.status=draft", []),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:status=completed", ["q1", "q2"]),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=one", ["q1"]),
        ("Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=three", []),
    ],
)
def test_a_chain_follows_a_canonical_url(client: Client, query: str, found: list[str]) -> None:
    for resource in FORM:
        client.stored(resource)
    kind = query.partition("?")[0]
    assert names(client.get(query), "match") == [f"{kind}/{each}" for each in found]


def test_later_pages_of_a_chain_by_url_see_the_data_of_the_first(client: Client) -> None:
    for resource in FORM:
        client.stored(resource)
    first = client.get("QuestionnaireResponse?questionnaire.status=active&_count=1&_sort=_id").json
    client.stored(FORM[0] | {"status": "draft"})
    client.stored(FORM[1] | {"status": "draft"})
    following = {each["relation"]: each["url"] for each in first["link"]}["next"]
    assert names(client.get(following.partition("/fhir/")[2]), "match") == [
        "QuestionnaireResponse/one"
    ]


def test_what_names_a_resource_by_its_url_is_included(client: Client) -> None:
    for resource in FORM:
        client.stored(resource)
    path = "Questionnaire?_id=q1&_revinclude=QuestionnaireResponse:"
    found = [f"QuestionnaireResponse/{each}" for each in ("any", "one")]
    assert names(client.get(f"{path}questionnaire"), "include") == found
    assert names(client.get(f"{path}subject"), "include") == []


def test_what_refers_to_each_other_is_included_once(client: Client) -> None:
    for number in (1, 2, 1):
        seen = {"partOf": {"reference": f"Organization/{3 - number}"}}
        client.stored(
            {"resourceType": "Organization", "id": f"{number}", "name": "x"}
            | (seen if number == 2 or client.get("Organization/2").status == 200 else {})
        )
    for query in ("_include:iterate=*", "_revinclude:iterate=*&_include:iterate=*"):
        answer = client.get(f"Organization?_id=1&{query}")
        assert names(answer, "match") == ["Organization/1"]
        assert names(answer, "include") == ["Organization/2"]


def test_more_than_the_cap_is_left_out_and_said(store: Store, connect: Connect) -> None:
    client = connect(store, Limits(includes=2))
    for resource in RECORD:
        client.stored(resource)
    answer = client.get("Patient?_revinclude=Observation:subject")
    assert len(names(answer, "include")) == 2
    outcome = answer.json["entry"][-1]
    assert outcome["search"]["mode"] == "outcome"
    assert "left out" in outcome["resource"]["issue"][0]["diagnostics"]
    whole = client.get("Patient?_revinclude=Provenance:target&_include=Patient:organization")
    assert all(each["search"]["mode"] != "outcome" for each in whole.json["entry"])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("Observation?_include=Observation:sujbect", "subject"),
        ("Observation?_include=Observaton:subject", "Observation"),
        ("Observation?_include=Observation:code", "reference"),
        ("Observation?_include=Observation", "Type:parameter"),
        ("Observation?_include:deep=Observation:subject", ":deep"),
        ("Patient?_revinclude=Observation:subject:Patent", "Patient"),
    ],
)
def test_an_include_that_means_nothing_is_refused(record: Client, query: str, said: str) -> None:
    answer = record.get(query)
    assert answer.status == 400
    assert said in answer.said
