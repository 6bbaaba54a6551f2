"""How a result is shown: totals, summaries, elements, links and scores. https://hl7.org/fhir/R4/search.html#return"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from fhir_server.context import Store
from fhir_server.rest.call import Limits
from tests.fhir_server.conftest import Connect
from tests.http import Answer, Client

FORM = {"content-type": "application/x-www-form-urlencoded"}


def a_person(number: int) -> dict[str, Any]:
    text = f'<div xmlns="http://www.w3.org/1999/xhtml">Person {number}</div>'
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "text": {"status": "generated", "div": text},
        "name": [{"family": f"Family{number}"}],
        "gender": "female",
        "birthDate": "1970-01-01",
        "photo": [{"title": "of no summary"}],
        "managingOrganization": {"reference": "Organization/o"},
    }


@pytest.fixture
def people(client: Client) -> Client:
    client.stored({"resourceType": "Organization", "id": "o", "name": "x"})
    for number in range(5):
        client.stored(a_person(number))
    return client


def resources(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    return [each["resource"] for each in answer.json.get("entry", [])]


def links(answer: Answer) -> dict[str, str]:
    assert answer.status == 200, answer.body
    return {each["relation"]: each["url"] for each in answer.json["link"]}


def parameters(url: str) -> list[tuple[str, str]]:
    return sorted(parse_qsl(url.partition("?")[2], keep_blank_values=True))


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("_total=accurate", 5),
        ("_total=none&_count=2", None),
        ("_count=2", None),
        ("", 5),
        ("_total=accurate&_count=2", 5),
        ("_summary=count", 5),
        ("_count=0", 5),
        ("_count=0&_total=none", 5),
        ("_summary=count&family=Family3", 1),
        ("_total=accurate&_include=Patient:organization", 5),
    ],
)
def test_the_total_is_that_of_all_matches(people: Client, query: str, total: int | None) -> None:
    answer = people.get(f"Patient?{query}")
    assert answer.status == 200
    assert answer.json.get("total") == total


@pytest.mark.parametrize("query", ["_total=estimate", "_total=estimate&_summary=count"])
def test_an_estimate_is_a_number(people: Client, query: str) -> None:
    assert people.get(f"Patient?{query}").json["total"] >= 0


@pytest.mark.parametrize("query", ["_summary=count", "_count=0"])
def test_a_count_alone_has_neither_entries_nor_other_pages(people: Client, query: str) -> None:
    answer = people.get(f"Patient?{query}")
    assert resources(answer) == []
    assert list(links(answer)) == ["self"]


@pytest.mark.parametrize(
    ("summary", "kept", "left"),
    [
        ("true", {"name", "gender"}, {"photo", "text"}),
        ("text", {"text"}, {"name", "photo"}),
        ("data", {"name", "photo"}, {"text"}),
        ("false", {"name", "photo", "text"}, set()),
    ],
)
def test_each_entry_is_summarised(
    people: Client, summary: str, kept: set[str], left: set[str]
) -> None:
    found = resources(people.get(f"Patient?_summary={summary}"))
    assert len(found) == 5
    for resource in found:
        assert kept <= set(resource)
        assert not left & set(resource)
        assert ("SUBSETTED" in str(resource["meta"])) == (summary != "false")


def test_elements_are_those_named_and_what_is_mandatory(people: Client) -> None:
    found = resources(people.get("Patient?_elements=birthDate,name&_id=p1"))
    assert set(found[0]) == {"resourceType", "id", "meta", "birthDate", "name"}
    assert "SUBSETTED" in str(found[0]["meta"]["tag"])


def test_what_is_included_is_shown_in_the_same_way(people: Client) -> None:
    found = resources(people.get("Patient?_id=p1&_include=Patient:organization&_elements=gender"))
    assert [set(each) - {"gender"} for each in found] == [{"resourceType", "id", "meta"}] * 2


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("_total=some", "none, estimate or accurate"),
        ("_summary=most", "_summary"),
        ("_summary=most&family=Nobody", "_summary"),
        ("_summary=text&_include=Patient:organization", "_include"),
        ("_summary=text&_revinclude=Observation:subject", "_revinclude"),
        ("_count=-1", "_count"),
        ("_count=x", "_count"),
        ("_count=", "_count"),
        ("_page=", "_page"),
        ("_sort=photo", "photo"),
        ("_sort=famly", "family"),
        ("_sort=", "search parameter"),
        ("_sort=" + ",".join(["family"] * 21), "20 keys"),
    ],
)
def test_what_cannot_be_shown_so_is_refused(people: Client, query: str, said: str) -> None:
    answer = people.get(f"Patient?{query}")
    assert answer.status == 400
    assert said in answer.said


def test_links_carry_the_search_on(people: Client) -> None:
    first = people.get("Patient?gender=female&_count=2&_sort=-family&_elements=name")
    assert set(links(first)) == {"self", "first", "next"}
    stated = [("_count", "2"), ("_elements", "name"), ("_sort", "-family"), ("gender", "female")]
    assert parameters(links(first)["self"]) == stated
    assert parameters(links(first)["first"]) == stated
    following = people.get(links(first)["next"].partition("/fhir/")[2])
    assert set(links(following)) == {"self", "first", "prev", "previous", "next"}
    assert [set(each) for each in resources(following)] == [
        {"resourceType", "id", "meta", "name"}
    ] * 2


def test_links_of_a_form_are_of_the_same_search_by_get(people: Client) -> None:
    by_form = people.send("POST", "Patient/_search?gender=female", b"_count=2&_sort=family", FORM)
    by_address = people.get("Patient?gender=female&_count=2&_sort=family")
    assert resources(by_form) == resources(by_address)
    assert links(by_form)["self"].startswith("http://localhost/fhir/Patient?")
    for relation in ("self", "first"):
        assert parameters(links(by_form)[relation]) == parameters(links(by_address)[relation])
    following = people.get(links(by_form)["next"].partition("/fhir/")[2])
    assert [each["id"] for each in resources(following)] == ["p2", "p3"]


def test_a_form_has_to_say_that_it_is_one(people: Client) -> None:
    headers = {"content-type": "application/fhir+json"}
    assert people.send("POST", "Patient/_search", b"gender=female", headers).status == 415
    assert len(resources(people.send("POST", "Patient/_search", b"gender=female", FORM))) == 5


def test_the_self_link_says_the_count_that_was_granted(store: Store, connect: Connect) -> None:
    client = connect(store, Limits(largest_page=3))
    assert parameters(links(client.get("Patient?_count=500"))["self"]) == [("_count", "3")]
    assert parameters(links(client.get("Patient?_count=2"))["self"]) == [("_count", "2")]


@pytest.mark.parametrize(
    ("query", "search"),
    [
        ("_text=person", {"mode": "match", "score": 1}),
        ("_content=family1", {"mode": "match", "score": 1}),
        ("gender=female", {"mode": "match"}),
    ],
)
def test_only_a_search_for_words_has_a_score(
    people: Client, query: str, search: dict[str, Any]
) -> None:
    answer = people.get(f"Patient?{query}")
    assert resources(answer)
    assert all(each["search"] == search for each in answer.json["entry"])
