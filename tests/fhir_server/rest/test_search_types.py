"""Searching several types: the whole system and compartments. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.fhir_server.rest.test_search_includes import names
from tests.http import Client, entry

TAG = {"tag": [{"system": "urn:t", "code": "a"}]}
RECORD: tuple[dict[str, Any], ...] = (
    {"resourceType": "Patient", "id": "one", "meta": TAG, "gender": "female"},
    {"resourceType": "Patient", "id": "two", "gender": "male"},
    {
        "resourceType": "Observation",
        "id": "of-one",
        "meta": TAG,
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/one"},
    },
    {
        "resourceType": "Observation",
        "id": "of-two",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/two"},
    },
    {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/one"},
        "asserter": {"reference": "Patient/two"},
    },
    {"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "meta": TAG},
)


@pytest.fixture
def record(client: Client) -> Client:
    """Store them in different milliseconds: within one, lastUpdated is the same and orders nothing."""
    for resource in RECORD:
        client.stored(resource)
        time.sleep(0.002)
    return client


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?_tag=urn:t|a", ["Basic/b", "Observation/of-one", "Patient/one"]),
        ("?_type=Patient,Observation&_tag=a", ["Observation/of-one", "Patient/one"]),
        ("?_type=Patient,Observation&_tag:not=a", ["Observation/of-two", "Patient/two"]),
        ("?_type=Patient,Basic&_tag:missing=true", ["Patient/two"]),
        ("?_type=Observation,Condition&patient=Patient/one", ["Condition/c", "Observation/of-one"]),
        ("?_type=Observation,Condition&subject:Patient.gender=male", ["Observation/of-two"]),
        ("?_id=one,b", ["Basic/b", "Patient/one"]),
        ("?_type=Patient&gender=male", ["Patient/two"]),
        (
            "?_type=Patient,Observation&_filter=not(_tag eq a)",
            ["Observation/of-two", "Patient/two"],
        ),
        ("Patient/one/Observation", ["Observation/of-one"]),
        ("Patient/one/Observation?status=final", ["Observation/of-one"]),
        ("Patient/one/Observation?status=amended", []),
        ("Patient/one/*", ["Condition/c", "Observation/of-one", "Patient/one"]),
        ("Patient/two/*?_type=Condition,Observation", ["Condition/c", "Observation/of-two"]),
        ("Patient/none/Observation", []),
    ],
)
def test_over_types_is_found(record: Client, query: str, found: list[str]) -> None:
    assert names(record.get(query), "match") == found


ALL = [f"{each['resourceType']}/{each['id']}" for each in RECORD]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?_sort=_lastUpdated", ALL),
        ("?_sort=-_lastUpdated", ALL[::-1]),
        ("?_sort=-_lastUpdated&_lastUpdated=gt2001", ALL[::-1]),
        ("?_sort=-_lastUpdated&_lastUpdated=lt2001", []),
        ("?_sort=_lastUpdated&_type=Patient,Basic", [ALL[0], ALL[1], ALL[5]]),
        ("?_sort=_lastUpdated&_tag=a", [ALL[0], ALL[2], ALL[5]]),
        ("?_sort=-_id", ["Patient/two", "Patient/one", *ALL[3:1:-1], "Condition/c", "Basic/b"]),
    ],
)
def test_pages_over_types_are_walked_in_order(
    record: Client, query: str, expected: list[str]
) -> None:
    seen: list[str] = []
    path = f"{query}&_count=2"
    while path:
        answer = record.get(path)
        seen += [
            f"{each['resource']['resourceType']}/{each['resource']['id']}"
            for each in answer.json.get("entry", [])
        ]
        links = {each["relation"]: each["url"] for each in answer.json["link"]}
        path = links.get("next", "").partition("/fhir")[2].lstrip("/")
        record.put("Patient/three", {"resourceType": "Patient", "id": "three", "meta": TAG})
        record.put("Basic/b", {**RECORD[5], "extension": [{"url": "urn:x", "valueBoolean": True}]})
    assert seen == expected


def test_pages_over_types_without_an_order_skip_and_repeat_nothing(record: Client) -> None:
    for query in ("?_count=2", "?_count=2&_type=Patient,Observation,Condition,Basic"):
        seen, path = [], query
        while path:
            answer = record.get(path)
            seen += names(answer, "match")
            links = {each["relation"]: each["url"] for each in answer.json["link"]}
            path = links.get("next", "").partition("/fhir")[2].lstrip("/")
            record.put("Patient/one", {**RECORD[0], "birthDate": f"19{len(seen):02}-01-01"})
        assert sorted(seen) == sorted(ALL)


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        ("_search", b"_type=Patient&gender=male", ["Patient/two"]),
        ("Patient/_search?gender=male", b"_id=one,two", ["Patient/two"]),
        ("Patient/one/Observation/_search", b"status=final", ["Observation/of-one"]),
        ("Patient/one/_search", b"_type=Condition", ["Condition/c"]),
    ],
)
def test_by_post_the_form_joins_the_address(
    record: Client, path: str, body: bytes, found: list[str]
) -> None:
    answer = record.send("POST", path, body, FORM)
    assert names(answer, "match") == found
    self_link = answer.json["link"][0]["url"]
    assert "_search" not in self_link
    assert names(record.get(self_link.partition("/fhir")[2].lstrip("/")), "match") == found


def test_a_form_that_is_not_utf_8_is_refused(record: Client) -> None:
    assert record.send("POST", "Patient/_search", b"_id=\xff", FORM).status == 400
    assert record.send("POST", "Patient/_search", b"_id=%FF", FORM).status == 400
    assert record.send("POST", "Patient/_search", "_id=é".encode(), FORM).status == 200


def test_entries_of_a_batch_search_several_types_too(record: Client) -> None:
    urls = ["Patient/one/Observation?status=final", "Patient/one/*", "?_type=Patient&gender=male"]
    answer = record.batch(*(entry("GET", url) for url in urls))
    totals = [each["resource"]["total"] for each in answer.json["entry"]]
    assert totals == [1, 3, 1]
    wrong = record.batch(entry("GET", "Patient/one/Organization"), entry("GET", "?gender=male"))
    assert [each["response"]["status"][:3] for each in wrong.json["entry"]] == ["400", "400"]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?_type=Patient,Observation&gender=male", 400, "gender"),
        ("?gender=male", 400, "gender"),
        ("?_type=Patent", 400, "Patient"),
        ("?_type=Patient,Observation&_sort=gender", 400, "_sort"),
        ("?_type=Patient,Observation&_sort=identifier", 400, "_sort"),
        ("Patient?_type=Patient", 400, "_type"),
        ("Organization/1/Patient", 404, "compartment"),
        ("Patient/one/Organization", 400, "never"),
        ("Patient/one/Observaton", 404, "address"),
    ],
)
def test_over_types_is_refused(record: Client, query: str, status: int, said: str) -> None:
    answer = record.get(query)
    assert answer.status == status
    assert said in answer.said
