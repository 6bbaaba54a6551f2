"""Pages of one search see the data as of its first page, whatever is written meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.storage.snapshots import including
from tests.fhir_server.conftest import Connect
from tests.http import Answer, Client, entry


def patient(number: int, family: str = "") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "name": [{"family": family or f"Family{number:02}"}],
        "birthDate": f"19{number:02}-01-01",
        **({"gender": "female"} if number % 3 else {}),
    }


@pytest.fixture
def people(client: Client) -> Client:
    for number in range(12):
        client.stored(patient(number))
    return client


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [each["resource"]["id"] for each in answer.json.get("entry", [])]


def link(answer: Answer, relation: str) -> str:
    links = {each["relation"]: each["url"] for each in answer.json["link"]}
    return links.get(relation, "").partition("/fhir/")[2]


def walk(
    client: Client, query: str, between: Callable[[int], object] = lambda _: None
) -> list[str]:
    found: list[str] = []
    answer, page = client.get(query), 0
    while True:
        found += ids(answer)
        if not (following := link(answer, "next")):
            return found
        between(page)
        page += 1
        answer = client.get(following)


SORTS = [
    "",
    "family",
    "-family",
    "birthdate",
    "-birthdate",
    "gender",
    "-gender,family",
    "_id",
    "-_lastUpdated",
    "phone",
]


@pytest.mark.parametrize("sort", SORTS)
def test_writes_between_pages_change_nothing(people: Client, sort: str) -> None:
    query = f"Patient?_count=3{f'&_sort={sort}' if sort else ''}"
    expected = walk(people, query)
    assert sorted(expected) == sorted(f"p{number}" for number in range(12))

    def write(page: int) -> None:
        people.stored(patient(20 + page, "Aaa"))
        people.stored({**patient(page, f"Zzz{page}"), "birthDate": "2000-01-01"})
        people.stored(patient(11 - page, f"Aaa{page}"))
        if page == 1:
            people.delete("Patient/p5")

    assert walk(people, query, write) == expected
    assert sorted(walk(people, query)) != sorted(expected)


def test_a_condition_that_stops_holding_between_pages_still_held(people: Client) -> None:
    query = "Patient?gender=female&_sort=family&_count=2"
    expected = walk(people, query)

    def write(page: int) -> None:
        people.stored({**patient(10), "gender": "male"})
        people.stored({**patient(9), "gender": "female"})

    assert walk(people, query, write) == expected


def test_a_chain_is_decided_for_what_was_superseded(people: Client) -> None:
    for number in range(6):
        people.stored(
            {
                "resourceType": "Basic",
                "id": f"b{number}",
                "code": {"text": "x"},
                "subject": {"reference": f"Patient/p{number % 2 + 1}"},
            }
        )
    query = "Basic?subject:Patient.gender=female&_count=2&_sort=_id"
    expected = walk(people, query)
    assert len(expected) == 6

    def write(page: int) -> None:
        people.stored({"resourceType": "Basic", "id": "b5", "code": {"text": "y"}})

    assert walk(people, query, write) == expected


def basic(number: int, subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Basic",
        "id": f"b{number}",
        "code": {"text": "x"},
        "subject": {"reference": subject},
    }


LINKED = [
    "Basic?subject:Patient.gender=female&_sort=_id",
    "Basic?subject:Patient.gender=female",
    "Basic?subject.gender=female&_sort=_id",
    "Basic?subject:Patient.gender:not=male&_sort=_id",
    "Basic?subject:Patient._has:Basic:subject:code:text=x&subject:Patient.gender=female&_sort=_id",
    "Basic?_filter=subject.gender eq female&_sort=_id",
    "Patient?_has:Basic:subject:code:text=x&_sort=family",
    "Patient?_has:Basic:subject:code:text=x&birthdate=gt1900",
    "Patient?_has:Basic:subject:patient.gender=female&_sort=-family",
    "Patient?_list=l&_sort=family",
]


@pytest.mark.parametrize("query", LINKED)
def test_what_a_chain_leads_to_is_seen_as_it_was(people: Client, query: str) -> None:
    def linked(*numbers: int) -> None:
        entries = [{"item": {"reference": f"Patient/p{number}"}} for number in numbers]
        stated = {"resourceType": "List", "id": "l", "status": "current", "mode": "working"}
        people.stored({**stated, "entry": entries})

    for number in range(8):
        people.stored(basic(number, f"Patient/p{number}"))
    linked(*range(8))
    query = f"{query.replace(' ', '%20')}&_count=2"
    expected = walk(people, query)
    assert 4 < len(expected) < 9

    def write(page: int) -> None:
        for number in range(12):
            gender = "male" if (number + page) % 2 else "female"
            people.stored({**patient(number, f"Family{number:02}"), "gender": gender})
        people.stored(basic(4 + page, f"Patient/p{11 - page}"))
        people.stored(basic(20 + page, f"Patient/p{8 + page}"))
        people.send("DELETE", f"Basic/b{3 + page}")
        linked(page, 9, 10, 11)

    assert walk(people, query, write) == expected
    assert walk(people, query) != expected


@pytest.mark.parametrize("sort", ["_id", "-family", "birthdate", "gender"])
def test_a_search_within_a_transaction_sees_on_all_pages_what_that_wrote(
    people: Client, sort: str
) -> None:
    query = f"Patient?_count=2&_sort={sort}"
    answer = people.transaction(
        entry("PUT", "Patient/p3", patient(3, "Renamed")),
        entry("PUT", "Patient/p50", patient(50)),
        entry("DELETE", "Patient/p7"),
        entry("GET", query),
    )
    assert answer.status == 200, answer.body
    first = answer.json["entry"][-1]["resource"]
    links = {each["relation"]: each["url"] for each in first["link"]}
    found = [each["resource"]["id"] for each in first["entry"]]
    found += walk(people, links["next"].partition("/fhir/")[2])
    assert found == walk(people, query)
    assert "p50" in found
    assert "p7" not in found


@pytest.mark.parametrize(
    ("snapshot", "own", "expected"),
    [
        ("10:10:", 10, "10:11:"),
        ("10:10:", 12, "10:13:10,11"),
        ("10:15:10,12", 12, "10:15:10"),
        ("10:15:10,12", 10, "10:15:12"),
        ("10:15:10,12", 16, "10:17:10,12,15"),
    ],
)
def test_a_snapshot_with_what_one_transaction_wrote(snapshot: str, own: int, expected: str) -> None:
    assert including(snapshot, own) == expected


@pytest.mark.parametrize("sort", SORTS)
def test_the_way_back_is_the_way_there(people: Client, sort: str) -> None:
    query = f"Patient?_count=5{f'&_sort={sort}' if sort else ''}"
    first = people.get(query)
    second = people.get(link(first, "next"))
    third = people.get(link(second, "next"))
    assert not link(third, "next")
    back = people.get(link(third, "prev"))
    assert ids(back) == ids(second)
    start = people.get(link(back, "prev"))
    assert ids(start) == ids(first)
    assert ids(people.get(link(start, "next"))) == ids(second)
    assert ids(people.get(link(third, "first"))) == ids(first)


def edges(query: str) -> list[str]:
    return [
        f"{query}&_count=3",
        f"{query}&_count=3&_sort=-family",
        f"{query}&_count=3&_sort=gender",
    ]


@pytest.mark.parametrize("query", [*edges("Patient?name=fam"), *edges("Patient?birthdate=gt1900")])
def test_writes_change_nothing_on_the_way_there_and_back(people: Client, query: str) -> None:
    expected = walk(people, query)
    step = 0

    def write() -> None:
        nonlocal step
        step += 1
        people.stored(patient(40 + step, "Fame"))
        people.stored({**patient(step), "birthDate": "1890-01-01", "gender": "other"})
        people.stored(patient(12 - step, "Zzz"))
        people.send("DELETE", f"Patient/p{step}")

    pages = [people.get(query)]
    while following := link(pages[-1], "next"):
        write()
        pages.append(people.get(following))
    assert [each for page in pages for each in ids(page)] == expected
    for page in pages[-2::-1]:
        write()
        pages.append(people.get(link(pages[-1], "prev")))
        assert ids(pages[-1]) == ids(page)
    assert not link(pages[-1], "prev")
    assert walk(people, query) != expected


def test_what_did_not_match_before_it_was_changed_does_not_come_in(people: Client) -> None:
    query = "Patient?gender=female&active=true&_count=1&_sort=_id"
    for number in (1, 2):
        people.stored({**patient(number), "active": True})
    first = people.get(query)
    assert ids(first) == ["p1"]
    for number in (4, 5):
        people.stored({**patient(number), "active": True})
    people.stored({**patient(2), "active": False})
    second = people.get(link(first, "next"))
    assert ids(second) == ["p2"]
    assert not link(second, "next")


@pytest.mark.parametrize("sort", ["_id", "-_id", "-_lastUpdated", "_lastUpdated,_id"])
@pytest.mark.parametrize("query", ["Patient?name=fam", "Patient?gender=female", "Patient?"])
def test_all_may_change_between_pages(people: Client, query: str, sort: str) -> None:
    path = f"{query}&_sort={sort}&_count=2"
    expected = walk(people, path)

    def write(page: int) -> None:
        for number in range(12):
            people.stored({**patient(number), "gender": ("male", "female")[(number + page) % 2]})

    assert walk(people, path, write) == expected


def test_links_outlive_a_restart(people: Client, store: Store, connect: Connect) -> None:
    following = link(people.get("Patient?_count=5&_sort=family"), "next")
    expected = ids(people.get(following))
    again = connect(Store(Database(store.database.url, size=2), store.blobs, store.base))
    assert ids(again.get(following)) == expected


def test_the_total_of_the_first_page_stays(people: Client) -> None:
    first = people.get("Patient?_count=5&_total=accurate")
    people.stored(patient(40))
    second = people.get(link(first, "next"))
    assert (first.json["total"], second.json["total"]) == (12, 12)


def test_forged_links_are_refused(people: Client) -> None:
    following = link(people.get("Patient?_count=5"), "next")
    token = following.partition("_page=")[2]
    other = link(people.get("Patient?_count=5&gender=female"), "next").partition("_page=")[2]
    for wrong in (token[:-2], token[:8], "A" + token[1:], other, "x", "%00", "%F0%9F%92%A3"):
        answer = people.get(f"Patient?_count=5&_page={wrong}")
        assert answer.status == 400, wrong
    assert people.get(f"Patient?_count=5&_sort=family&_page={token}").status == 400


def test_a_page_of_another_size_may_follow(people: Client) -> None:
    following = link(people.get("Patient?_count=5&_sort=family"), "next")
    assert ids(people.get(following.replace("_count=5", "_count=2"))) == ["p5", "p6"]


def test_what_an_ordered_table_finds_keeps_its_order_while_others_write(people: Client) -> None:
    query = "Patient?name=fam&_count=3"
    expected = walk(people, query)

    def write(page: int) -> None:
        people.stored(patient(page, "Zzz"))
        people.stored({**patient(11 - page), "gender": "male"})

    assert walk(people, query, write) == expected


def test_what_was_superseded_still_includes_what_it_referred_to(people: Client) -> None:
    people.stored({"resourceType": "Organization", "id": "o", "name": "x"})
    linked = {"managingOrganization": {"reference": "Organization/o"}}
    for number in (10, 11):
        people.stored({**patient(number), **linked})
    first = people.get("Patient?_sort=_id&_count=2&_include=Patient:organization")
    assert ids(first) == ["p0", "p1"]
    for number in (10, 11):
        people.stored(patient(number))
    assert ids(people.get(link(first, "next"))) == ["p10", "p11", "o"]
