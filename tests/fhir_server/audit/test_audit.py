"""Each access leaves one record, of the right person and patient, which nothing alters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg2
import pytest

from fhir_server import validation
from fhir_server.access.principal import OPEN, Principal
from fhir_server.audit.trail import Trail
from fhir_server.context import Store
from fhir_server.errors import Unauthorized
from fhir_server.rest import app
from fhir_server.rest.web import Request
from tests.fhir_server.access import practice
from tests.fhir_server.access.practice import ADA, ADMIN, CLEO, MIA, OSEI, Door, app_of, service
from tests.http import Client, entry

NEW = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "Pulse"},
    "subject": {"reference": "Patient/ada"},
}


@pytest.fixture
def trail(store: Store) -> Trail:
    return Trail(store.database)


@pytest.fixture
def door(store: Store, trail: Trail) -> Iterator[Door]:
    with asyncio.Runner() as runner:
        made = practice.door(replace(store, trail=trail), runner)
        practice.fill(made)
        yield made
        store.database.close()


def events(door: Door, trail: Trail, query: str = "") -> list[dict[str, Any]]:
    """Return what the administrator finds, the oldest first; their own looks are left out."""
    trail.flush()
    found = door.as_(ADMIN).get(f"AuditEvent?_sort=date&_count=500&{query}")
    assert found.status == 200, found.body
    listed = [each["resource"] for each in found.json.get("entry", []) if "resource" in each]
    return [each for each in listed if each["agent"][0]["who"].get("reference") != ADMIN.user]


def shape(event: dict[str, Any]) -> tuple[str, str, set[str]]:
    what = {each["what"].get("reference", "") for each in event.get("entity", []) if "what" in each}
    return event["subtype"][0]["code"], event["outcome"], what - {""}


def test_the_sandbox_is_not_audited(door: Door, trail: Trail) -> None:
    door.as_(OPEN).get("Patient/ada")
    assert events(door, trail) == []


@pytest.mark.parametrize(
    ("who", "method", "path", "expected"),
    [
        (ADA, "GET", "Patient/ada", ("read", "0", {"Patient/ada"})),
        (
            ADA,
            "GET",
            "Observation/laboratory-ada",
            ("read", "0", {"Patient/ada", "Observation/laboratory-ada"}),
        ),
        (
            OSEI,
            "GET",
            "Observation?code=2093-3",
            ("search-type", "0", {"Patient/ada", "Patient/ben"}),
        ),
        (MIA, "GET", "Patient", ("search-type", "0", {"Patient/ben"})),
        (OSEI, "GET", "Patient/ada/$everything", ("operation", "0", {"Patient/ada"})),
        (
            OSEI,
            "GET",
            "List/list-ada/_history",
            ("history-instance", "0", {"Patient/ada", "List/list-ada"}),
        ),
        (CLEO, "GET", "Observation/laboratory-ada", ("read", "4", {"Observation/laboratory-ada"})),
        (ADMIN, "GET", "metadata", ("capabilities", "0", set())),
        (OSEI, "DELETE", "List/list-ada", ("delete", "0", {"Patient/ada", "List/list-ada"})),
    ],
)
def test_one_access_is_one_record(
    door: Door,
    trail: Trail,
    who: Principal,
    method: str,
    path: str,
    expected: tuple[str, str, set[str]],
) -> None:
    door.as_(who).send(method, path)
    trail.flush()
    found = door.as_(ADMIN).get("AuditEvent?_sort=date").json["entry"]
    assert [shape(each["resource"]) for each in found] == [expected]


def test_a_write_is_recorded_with_it_and_a_refused_one_too(door: Door, trail: Trail) -> None:
    made = door.as_(OSEI).post("Observation", NEW)
    door.as_(OSEI).put(f"Observation/{made.id}", {**NEW, "id": made.id})
    door.as_(ADA).post("Observation", NEW)
    door.as_(OSEI).post("Observation", {"resourceType": "Observation"})
    name = f"Observation/{made.id}"
    assert [shape(each) for each in events(door, trail)] == [
        ("create", "0", {"Patient/ada", name}),
        ("update", "0", {"Patient/ada", name}),
        ("create", "4", set()),
        ("create", "4", set()),
    ]


def test_a_write_needs_no_flush_to_be_kept(door: Door, store: Store) -> None:
    door.as_(OSEI).post("Observation", NEW)
    with store.database.connection() as connection:
        assert connection.query("SELECT interaction, fhir_user FROM audit") == [
            ("create", "Practitioner/osei")
        ]


def test_each_entry_of_a_bundle_has_its_record_beside_the_bundles(door: Door, trail: Trail) -> None:
    door.as_(OSEI).transaction(
        entry("POST", "Observation", NEW), entry("GET", "Observation/laboratory-ben")
    )
    door.as_(OSEI).batch(entry("GET", "Patient/ada"), entry("GET", "Patient/cleo"))
    found = [shape(each)[:2] for each in events(door, trail)]
    assert sorted(found) == [
        ("batch", "0"),
        ("create", "0"),
        ("read", "0"),
        ("read", "4"),
        ("transaction", "0"),
    ]


def test_what_a_transaction_rolls_back_leaves_only_the_refusal(door: Door, trail: Trail) -> None:
    answer = door.as_(OSEI).transaction(
        entry("POST", "Observation", NEW), entry("GET", "Observation/nothing")
    )
    assert answer.status == 422
    assert [shape(each)[:2] for each in events(door, trail)] == [("transaction", "4")]


def test_nothing_alters_or_forges_a_record(door: Door, trail: Trail, store: Store) -> None:
    door.as_(ADA).get("Patient/ada")
    event = events(door, trail)[0]
    for who in (ADMIN, OSEI, service("system/*.cruds")):
        client = door.as_(who)
        assert client.post("AuditEvent", event).status == 405
        assert client.put(f"AuditEvent/{event['id']}", event).status == 405
        assert client.delete(f"AuditEvent/{event['id']}").status == 405
        assert client.transaction(entry("POST", "AuditEvent", event)).status == 405
    for change in ("UPDATE audit SET role = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with (
            store.database.connection() as connection,
            pytest.raises(psycopg2.DatabaseError, match="neither changed nor deleted"),
        ):
            connection.query(change)
    assert events(door, trail)[0] == event


def test_what_is_shown_is_a_valid_auditevent(door: Door, trail: Trail) -> None:
    app_ = app_of(OSEI, "patient/*.rs", "ada")
    door.as_(app_).get("Observation?code=2093-3")
    door.as_(service("system/*.rs")).get("Patient/ada")
    door.as_(CLEO).get("Patient/ada")
    found = events(door, trail)
    assert len(found) == 3
    for event in found:
        assert list(validation.validate(event)) == []
    assert found[0]["agent"][0]["who"]["identifier"]["value"] == "app"
    assert found[0]["agent"][1]["who"]["reference"] == "Practitioner/osei"


def test_everyone_sees_the_events_that_are_theirs(door: Door, trail: Trail) -> None:
    door.as_(OSEI).get("Patient/ada")
    door.as_(OSEI).get("Patient/ben")
    trail.flush()

    def seen(who: Principal) -> list[str]:
        found = door.as_(who).get("AuditEvent?agent=Practitioner/osei&_sort=date").json
        return [
            each["resource"]["entity"][0]["what"]["reference"] for each in found.get("entry", [])
        ]

    assert seen(ADA) == ["Patient/ada"]
    assert seen(MIA) == ["Patient/ben"]
    assert seen(CLEO) == []
    assert seen(OSEI) == ["Patient/ada", "Patient/ben"]
    assert seen(app_of(OSEI, "user/AuditEvent.rs")) == ["Patient/ada", "Patient/ben"]
    assert door.as_(app_of(ADA, "patient/Patient.rs", "ada")).get("AuditEvent").status == 403
    event = events(door, trail, "patient=ben")[0]
    assert door.as_(ADA).get(f"AuditEvent/{event['id']}").status == 404
    assert door.as_(MIA).get(f"AuditEvent/{event['id']}").status == 200


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("patient=ada", 1),
        ("patient=Patient/ben", 0),
        ("agent=Patient/ada", 1),
        ("agent=osei", 0),
        ("entity=Patient/ada", 1),
        ("action=R", 1),
        ("action=C", 0),
        ("outcome=0", 1),
        ("outcome=8", 0),
        ("subtype=http://hl7.org/fhir/restful-interaction|read", 1),
        ("subtype=vread", 0),
        ("date=ge2026-01-01", 1),
        ("date=lt2026-01-01", 0),
        ("agent-name=Ada", 1),
    ],
)
def test_events_are_found_by(door: Door, trail: Trail, query: str, count: int) -> None:
    door.as_(ADA).get("Patient/ada")
    assert len(events(door, trail, query)) == count
    total = door.as_(ADMIN).get(f"AuditEvent?{query}&_summary=count").json["total"]
    assert total >= count


def test_what_events_are_not_found_by_is_said(door: Door) -> None:
    for query in ("policy=x", "agent:missing=true", "_sort=agent", "_include=AuditEvent:agent"):
        answer = door.as_(ADMIN).get(f"AuditEvent?{query}")
        assert answer.status == 400, query


def test_pages_of_events_follow_each_other(door: Door, trail: Trail) -> None:
    for _ in range(5):
        door.as_(ADA).get("Patient/ada")
    trail.flush()
    client, found, path = door.as_(ADA), [], "AuditEvent?_count=2&agent=Patient/ada&action=R"
    while path:
        page = client.get(path).json
        found += [each["resource"]["id"] for each in page.get("entry", [])]
        links = {link["relation"]: link["url"] for link in page["link"]}
        path = links.get("next", "").partition("/fhir/")[2]
    assert found == sorted(found, key=int, reverse=True)
    assert len(set(found)) == 5


def test_who_is_not_known_is_recorded(store: Store, trail: Trail) -> None:
    def nobody(_: Request) -> Principal:
        raise Unauthorized("Send a token.")

    with asyncio.Runner() as runner:
        client = Client(app.create(replace(store, trail=trail), authenticate=nobody), runner)
        assert client.get("Patient/ada").status == 401
        trail.flush()
        with store.database.connection() as connection:
            assert connection.query("SELECT role, status FROM audit") == [("unknown", 401)]
        store.database.close()


def test_a_request_that_fails_inside_is_recorded(store: Store, door: Door, trail: Trail) -> None:
    with store.database.connection() as connection:
        connection.query("ALTER TABLE number_index RENAME TO elsewhere")
        try:
            assert door.as_(ADA).get("Observation?value-quantity=gt5").status == 500
        finally:
            connection.query("ALTER TABLE elsewhere RENAME TO number_index")
    event = events(door, trail)[-1]
    assert shape(event) == ("search-type", "8", set())
    assert list(validation.validate(event)) == []


@pytest.mark.parametrize("path", ["Nothing/1", "Patient/with space", "Patient/ada/odd/way/on"])
def test_what_leads_nowhere_is_a_valid_auditevent_too(door: Door, trail: Trail, path: str) -> None:
    assert door.as_(ADA).get(path).status in (400, 404)
    event = events(door, trail)[-1]
    assert event["outcome"] == "4"
    assert list(validation.validate(event)) == []


def test_a_clean_stop_loses_none(store: Store, door: Door, trail: Trail) -> None:
    trail.start()
    for _ in range(20):
        door.as_(ADA).get("Patient/ada")
    trail.stop()
    with store.database.connection() as connection:
        assert connection.query("SELECT count(*) FROM audit") == [(20,)]
