"""What combines values, over HTTP: SQL finds what `match` finds."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from fhir_server.codec import encode
from tests.fhir_server.search.combined import CASES, RESOURCES
from tests.http import Client


def found(client: Client, kind: str, name: str, value: str) -> list[str]:
    answer = client.send("GET", f"{kind}?{name}={quote(value)}")
    assert answer.status == 200, answer.said
    return sorted(entry["resource"]["id"] for entry in answer.json.get("entry", ()))


def test_sql_finds_what_match_finds(client: Client) -> None:
    for resource in RESOURCES:
        answer = client.put(f"{resource['resourceType']}/{resource['id']}", encode(resource))
        assert answer.status == 201, answer.body
    different = []
    for kind, name, value, expected in CASES:
        ids = found(client, kind, name, value)
        if ids != sorted(expected.split()):
            different.append((name, value, ids))
    assert different == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("Observation?code-value-quantity=a", "code$value-quantity"),
        ("Observation?_sort=code-value-quantity", "means nothing"),
        ("Location?near=48", "latitude|longitude|distance|units"),
        ("Location?_text=.", "one word"),
        ("Location?_content:missing=true", "_content=word"),
    ],
)
def test_what_means_nothing_is_400_with_a_sentence(client: Client, query: str, words: str) -> None:
    answer = client.send("GET", query)
    assert answer.status == 400
    assert words in answer.said


def test_the_capability_statement_lists_them(client: Client) -> None:
    rest = client.get("metadata").json["rest"][0]
    listed = {
        (resource["type"], each["name"]): each["type"]
        for resource in rest["resource"]
        for each in resource["searchParam"]
    }
    assert listed["Observation", "component-code-value-quantity"] == "composite"
    assert listed["Location", "near"] == "special"
    assert listed["Location", "_content"] == "string"
    assert ("Location", "_filter") not in listed
