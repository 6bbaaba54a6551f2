"""What a clinician reads and finds costs the same however many patients they have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fhir_server.access.policy import policy_of
from fhir_server.access.principal import OPEN, Principal
from fhir_server.context import Store
from fhir_server.guard import Guard
from fhir_server.search.parse import parse
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    Not,
    PointedFrom,
    PointsTo,
    Predicate,
    SharesName,
)
from fhir_server.storage import rights
from tests.fhir_server.access.practice import LIND, MIA, OSEI, Door, app_of

MANY = 300


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        (OSEI, "Observation?patient=ada&code=1234-5"),
        (OSEI, "Observation?subject=Patient/ada&_sort=-date"),
        (OSEI, "Encounter?patient=Patient/ben"),
        (OSEI, "Encounter?subject=Patient/ben"),
        (OSEI, "Patient?_id=ada"),
        (OSEI, "Appointment?practitioner=osei&status=booked"),
        (OSEI, "Appointment?actor=Practitioner/osei"),
        (MIA, "Observation?patient=ben"),
        (app_of(OSEI, "patient/*.rs", "ada"), "Observation?code=1234-5"),
        (app_of(OSEI, "user/*.rs"), "DocumentReference?patient=ada"),
    ],
)
def test_what_names_the_patient_is_searched_without_the_others(
    door: Door, store: Store, who: Principal, asked: str
) -> None:
    assert not list(_links(store, who, asked))


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        (LIND, "Observation?patient=ada"),
        (OSEI, "Observation?code=1234-5"),
        (OSEI, "Observation?patient=ada,ben"),
        (OSEI, "Appointment?practitioner=lind"),
        (app_of(OSEI, "user/*.rs", "ada"), "Observation?code=1234-5"),
    ],
)
def test_what_does_not_is_held_to_all_that_are_theirs(
    door: Door, store: Store, who: Principal, asked: str
) -> None:
    assert list(_links(store, who, asked))


def test_a_read_looks_at_no_other_patient(door: Door, store: Store) -> None:
    client = door.as_(OPEN)
    for number in range(MANY):
        patient = {"resourceType": "Patient", "id": f"of-osei-{number}"}
        client.stored(patient | {"generalPractitioner": [{"reference": "Practitioner/osei"}]})
    right = policy_of(OSEI).right("Observation", "r")
    assert right is not None
    statement = rights.statement(("Observation",), right, "r.key", few=True)
    parameters = dict(statement.parameters) | {"keys": [_key(store, "Observation/laboratory-ada")]}
    with store.database.connection() as connection:
        connection.query("VACUUM ANALYZE resource")
        plan = connection.query(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.text}", parameters
        )[0][0][0]["Plan"]
    assert plan["Actual Rows"] == 1
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60


def test_their_own_appointments_are_theirs_to_see_and_no_others(door: Door) -> None:
    for doctor in ("osei", "lind"):
        actor = {"actor": {"reference": f"Practitioner/{doctor}"}, "status": "accepted"}
        made = {"resourceType": "Appointment", "id": f"meeting-{doctor}", "status": "proposed"}
        door.as_(OPEN).stored(made | {"participant": [actor]})
    for asked in ("practitioner=osei", "actor=Practitioner/osei", "_id=meeting-osei,meeting-lind"):
        found = door.as_(OSEI).get(f"Appointment?{asked}").json["entry"]
        assert [each["resource"]["id"] for each in found] == ["meeting-osei"]
    assert door.as_(OSEI).get("Appointment/meeting-osei").status == 200
    assert door.as_(LIND).get("Appointment/meeting-osei").status == 404
    assert "entry" not in door.as_(LIND).get("Appointment?practitioner=osei").json


def _key(store: Store, name: str) -> int:
    type_, id_ = name.split("/")
    with store.database.connection() as connection:
        asked = "SELECT key FROM resource WHERE type = %s AND id = %s"
        return int(connection.query(asked, (type_, id_))[0][0])


def _links(store: Store, who: Principal, asked: str) -> Iterator[Predicate]:
    """Yield the links to other resources that have to be followed to hold a search to their rights."""
    type_, _, text = asked.partition("?")
    query = parse(type_, [tuple(each.split("=", 1)) for each in text.split("&")])  # type: ignore[misc]
    with store.database.connection() as connection:
        held = Guard(connection, policy_of(who), "").restrict(query)
    for each in held.conditions:
        yield from _within(each.predicate)


def _within(predicate: Predicate) -> Iterator[Predicate]:
    match predicate:
        case AllOf() | AnyOf():
            for each in predicate.predicates:
                yield from _within(each)
        case Not():
            yield from _within(predicate.predicate)
        case PointsTo() | PointedFrom() | SharesName():
            yield predicate
