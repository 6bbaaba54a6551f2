"""Many writers at once: nothing is made twice, nothing is lost, nothing is a fault of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fhir_server import codec
from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.errors import PreconditionFailed
from fhir_server.rest import routes
from fhir_server.rest.call import Limits
from fhir_server.rest.web import Request, Response
from fhir_server.storage.blobs import FileBlobs
from tests.examples import SYSTEM, a_patient, an_identified_patient, an_observation_of
from tests.http import a_bundle, encoded, entry

THREADS = 16
BASE = "http://localhost/fhir"
Send = Callable[..., Response]


@pytest.fixture
def stores(empty_database: str, tmp_path: Path) -> Iterator[list[Store]]:
    """Give each thread a store of its own, as processes have."""
    blobs = FileBlobs(tmp_path)
    made = [Store(Database(empty_database, size=1), blobs, BASE) for _ in range(THREADS)]
    yield made
    for store in made:
        store.database.close()


def send(
    store: Store, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> Response:
    given = {"content-type": "application/fhir+json", **(headers or {})}
    content = encoded(body) if isinstance(body, dict) else b""
    return routes.dispatch(store, Limits(), Request(method, path, "", given, content))


def at_once(stores: list[Store], work: Callable[[Store, int], int], count: int) -> list[int]:
    """Run work for each number, every thread on its own store; returns the statuses."""

    def share(thread: int) -> list[int]:
        return [work(stores[thread], number) for number in range(thread, count, THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        return [status for found in pool.map(share, range(THREADS)) for status in found]


def versions(store: Store, path: str) -> int:
    request = Request("GET", path, "_summary=count", {})
    return int(codec.decode(routes.dispatch(store, Limits(), request).body)["total"])


def test_200_identical_conditional_creates_leave_one_resource(stores: list[Store]) -> None:
    headers = {"if-none-exist": f"identifier={SYSTEM}|1"}

    def create(store: Store, _: int) -> int:
        return send(store, "POST", "Patient", an_identified_patient("1"), headers).status

    statuses = at_once(stores, create, 200)
    assert sorted(set(statuses)) == [200, 201]
    assert statuses.count(201) == 1
    assert versions(stores[0], "Patient/_history") == 1


def test_conditional_creates_of_different_resources_all_create(stores: list[Store]) -> None:
    def create(store: Store, number: int) -> int:
        headers = {"if-none-exist": f"identifier={SYSTEM}|{number}"}
        return send(store, "POST", "Patient", an_identified_patient(str(number)), headers).status

    assert set(at_once(stores, create, 64)) == {201}


def test_200_identical_conditional_transactions_leave_one_resource(stores: list[Store]) -> None:
    create = entry(
        "POST", "Patient", an_identified_patient("1"), ifNoneExist=f"identifier={SYSTEM}|1"
    )
    bundle = a_bundle("transaction", create)
    statuses = at_once(stores, lambda store, _: send(store, "POST", "", bundle).status, 200)
    assert set(statuses) == {200}
    assert versions(stores[0], "Patient/_history") == 1


@pytest.mark.slow
def test_500_updates_with_if_match_lose_none(stores: list[Store]) -> None:
    """Each writer counts one up from what it read; a stale one reads again."""
    send(stores[0], "PUT", "Patient/p1", a_patient(id="p1", multipleBirthInteger=0))

    def add(store: Store, _: int) -> int:
        while True:
            read = send(store, "GET", "Patient/p1")
            patient = codec.decode(read.body)
            patient["multipleBirthInteger"] += 1
            etag = dict(read.headers)[b"etag"].decode()
            status = send(store, "PUT", "Patient/p1", patient, {"if-match": etag}).status
            if status not in (409, 412):
                return status

    assert set(at_once(stores, add, 500)) == {200}
    patient = codec.decode(send(stores[0], "GET", "Patient/p1").body)
    assert patient["multipleBirthInteger"] == 500
    assert versions(stores[0], "Patient/p1/_history") == 501


def test_updates_of_the_same_version_let_one_through(stores: list[Store]) -> None:
    send(stores[0], "PUT", "Patient/p1", a_patient(id="p1"))

    def update(store: Store, number: int) -> int:
        patient = a_patient(id="p1", name=[{"family": f"n{number}"}])
        return send(store, "PUT", "Patient/p1", patient, {"if-match": 'W/"1"'}).status

    statuses = at_once(stores, update, 64)
    assert statuses.count(200) == 1
    assert set(statuses) == {200, 412}


def test_updates_without_if_match_all_get_a_version(stores: list[Store]) -> None:
    def update(store: Store, number: int) -> int:
        patient = a_patient(id="p1", name=[{"family": f"n{number}"}])
        return send(store, "PUT", "Patient/p1", patient).status

    statuses = at_once(stores, update, 64)
    assert set(statuses) <= {200, 201, 409}
    assert statuses.count(201) == 1
    assert versions(stores[0], "Patient/p1/_history") == 64 - statuses.count(409)


def test_crossing_transactions_are_never_a_fault(stores: list[Store]) -> None:
    """They write the same resources in opposite order, which is how deadlocks are made."""
    ids = [f"p{number}" for number in range(6)]

    def cross(store: Store, number: int) -> int:
        order = ids if number % 2 else ids[::-1]
        entries = [
            entry("PUT", f"Patient/{id_}", a_patient(id=id_, name=[{"family": f"n{number}"}]))
            for id_ in order
        ]
        return send(store, "POST", "", a_bundle("transaction", *entries)).status

    statuses = at_once(stores, cross, 96)
    assert set(statuses) <= {200, 409, 412}
    done = statuses.count(200)
    assert done > 0
    for id_ in ids:
        assert versions(stores[0], f"Patient/{id_}/_history") == done


def test_criteria_locked_in_opposite_order_are_never_a_fault(stores: list[Store]) -> None:
    def cross(store: Store, number: int) -> int:
        values = ["a", "b", "c"] if number % 2 else ["c", "b", "a"]
        entries = [
            entry(
                "POST",
                "Patient",
                an_identified_patient(value),
                ifNoneExist=f"identifier={SYSTEM}|{value}",
            )
            for value in values
        ]
        return send(store, "POST", "", a_bundle("transaction", *entries)).status

    assert set(at_once(stores, cross, 64)) == {200}
    assert versions(stores[0], "Patient/_history") == 3


def test_a_delete_and_new_references_to_it_leave_no_loose_end(stores: list[Store]) -> None:
    for number in range(16):
        send(stores[0], "PUT", f"Patient/p{number}", a_patient(id=f"p{number}"))

    def race(store: Store, number: int) -> int:
        name = f"p{number // 2 % 16}"
        if number % 2:
            return send(store, "DELETE", f"Patient/{name}").status
        return send(store, "POST", "Observation", an_observation_of(f"Patient/{name}")).status

    assert set(at_once(stores, race, 96)) <= {201, 204, 409, 422}
    with stores[0].database.connection() as connection:
        loose = connection.query(
            "SELECT o.id FROM resource o JOIN resource p ON p.key = ANY(o.ref_keys)"
            " WHERE o.type = 'Observation' AND p.content IS NULL"
        )
    assert loose == []


def test_losing_a_race_in_process_is_told_apart_from_a_stale_version(stores: list[Store]) -> None:
    send(stores[0], "PUT", "Patient/p1", a_patient(id="p1"))
    with pytest.raises(PreconditionFailed):
        stores[0].writing(lambda repository: repository.delete("Patient", "p1", 7))
    assert send(stores[0], "GET", "Patient/p1").status == 200
