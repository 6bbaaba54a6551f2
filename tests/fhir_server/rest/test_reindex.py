"""Old data and new parameters: jobs that are killed, raced with and asked about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fhir_server.codec import made
from fhir_server.context import Store
from fhir_server.repository import Repository
from fhir_server.storage import parameters, reindex
from medconsult import reindexing
from tests.eyes import a_new_database, a_parameter, a_patient, found, index, warned
from tests.http import Client

__all__ = ["a_new_database"]


def test_old_data_is_found_after_the_job_and_a_warning_tells_before(
    client: Client, store: Store
) -> None:
    client.stored(a_patient("1", "blue"))
    client.stored(a_parameter())
    assert found(client, "Patient?eye=blue") == []
    said = "The parameter 'eye' is still being indexed: 0 % of the resources are searched."
    assert warned(client, "Patient?eye=blue") == [said]
    assert warned(client, "Patient?_sort=-_id&gender:missing=true") == []
    index(store)
    assert found(client, "Patient?eye=blue") == ["1"]
    assert warned(client, "Patient?eye=blue") == []


def test_the_job_changes_nothing_but_the_index(client: Client, store: Store) -> None:
    before = client.stored(a_patient("1", "blue"))
    client.stored(a_parameter())
    rows = versions(store)
    index(store)
    assert client.get("Patient/1").json == before
    assert versions(store) == rows
    assert len(client.get("Patient/1/_history").json["entry"]) == 1


def versions(store: Store) -> list[Any]:
    with store.database.connection() as connection:
        return connection.query("SELECT key, version, last_updated, txid FROM resource ORDER BY 1")


def test_a_job_that_was_killed_goes_on_where_it_was(client: Client, store: Store) -> None:
    for number in range(10):
        client.stored(a_patient(str(number), "blue"))
    client.stored(a_parameter())
    begin(store)
    for _ in range(2):
        assert reindex.step(store.database, job(store), store.base, limit=2) == 2
    assert (job(store).done, job(store).total, job(store).percent) == (4, 10, 40)
    store.watch.expire()
    assert "40 %" in warned(client, "Patient?eye=blue")[0]
    assert len(found(client, "Patient?eye=blue")) == 4
    index(store)
    assert job(store).done == 10
    assert len(found(client, "Patient?eye=blue")) == 10


def job(store: Store, what: str = "SearchParameter/eye") -> reindex.Job:
    with store.database.connection() as connection:
        return reindex.jobs(connection)[what]


def test_what_is_written_during_the_job_is_right(client: Client, store: Store) -> None:
    for number in range(4):
        client.stored(a_patient(str(number), "blue"))
    client.stored(a_parameter())
    begin(store)
    reindex.step(store.database, job(store), store.base, limit=1)
    client.stored(a_patient("0", "green"))
    client.stored(a_patient("3", "green"))
    client.delete("Patient/2")
    client.stored(a_patient("9", "green"))
    index(store)
    assert found(client, "Patient?eye=blue") == ["1"]
    assert found(client, "Patient?eye=green") == ["0", "3", "9"]


def test_a_version_that_was_superseded_since_it_was_read_is_left_alone(
    client: Client, store: Store
) -> None:
    client.stored(a_patient("1", "blue"))
    client.stored(a_parameter())
    begin(store)
    with store.database.connection() as connection:
        rows = reindex._next(connection, job(store), 10)
        changes = reindex._changes(connection, rows, store.base)
        client.stored(a_patient("1", "green"))
        assert reindex._rewrite(connection, changes) == 0
    assert found(client, "Patient?eye=green") == ["1"]


def test_a_job_waits_until_every_writer_knows(client: Client, store: Store) -> None:
    client.stored(a_parameter())
    assert not reindexing.work(store, settle=60, pause=0)
    assert reindexing.work(store, settle=0, pause=0)


def test_only_one_process_indexes(client: Client, store: Store) -> None:
    client.stored(a_parameter())
    with (
        store.database.connection() as connection,
        reindex.alone(connection) as alone,
    ):
        assert alone
        assert not reindexing.work(store, settle=0, pause=0)
    assert reindexing.work(store, settle=0, pause=0)


def parts(client: Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert answer.status == 200, answer.body
    return [
        {part["name"]: next(v for k, v in part.items() if k != "name") for part in each["part"]}
        for each in answer.json["parameter"]
    ]


def test_operations_tell_of_a_job_and_queue_it_anew(client: Client, store: Store) -> None:
    client.stored(a_patient("1", "blue"))
    client.stored(a_parameter())
    index(store)
    path = "SearchParameter/eye/$reindex-status"
    done = {"parameter": "SearchParameter/eye", "done": 1, "total": 1, "percent": 100}
    assert parts(client, path) == [done | {"finished": True}]
    assert client.get("SearchParameter/eye/$reindex").status == 405
    assert client.post("SearchParameter/eye/$reindex").status == 200
    assert parts(client, path)[0]["finished"] is False
    index(store)
    assert parts(client, path)[0]["finished"] is True
    assert client.get("SearchParameter/none/$reindex-status").status == 404


def test_all_is_indexed_anew_and_every_search_says_so(client: Client, store: Store) -> None:
    client.stored(a_patient("1", "blue", gender="male"))
    with store.database.connection() as connection:
        connection.query("UPDATE resource SET terms = '{}'")
        connection.query("TRUNCATE date_index, number_index, string_index")
    assert found(client, "Patient?gender=male") == []
    assert client.post("$reindex").status == 200
    said = "The index is being made anew: 0 % of the resources are searched by it."
    assert warned(client, "Patient?gender=male") == [said]
    index(store)
    assert found(client, "Patient?gender=male") == ["1"]
    assert warned(client, "Patient?gender=male") == []
    assert parts(client, "$reindex-status")[0]["done"] == 1


def test_jobs_and_writers_at_the_same_time_leave_every_resource_right(
    client: Client, store: Store
) -> None:
    names = [str(number) for number in range(30)]
    for name in names:
        client.stored(a_patient(name, "blue"))
    client.stored(a_parameter())
    begin(store)

    def repaint(name: str) -> None:
        def work(repository: Repository) -> None:
            current = repository.read("Patient", name)
            body = made(a_patient(name, "green"))
            repository.update(repository.draft(body, id_=name), current)

        store.writing(work)

    with ThreadPoolExecutor(3) as pool:
        painted = [pool.submit(repaint, name) for name in names[::2]]
        while not job(store).finished:
            reindex.step(store.database, job(store), store.base, limit=3)
        for each in painted:
            each.result()
    assert found(client, "Patient?eye=green") == sorted(names[::2])
    assert found(client, "Patient?eye=blue") == sorted(names[1::2])


def begin(store: Store) -> None:
    with store.database.connection() as connection:
        reindex.reconcile(connection, parameters.read(connection))
        assert reindex.begun(connection, job(store), settle=0)
