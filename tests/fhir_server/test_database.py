"""The pool, waiting on the event loop, and a database that goes away."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import psycopg2.errors
import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from fhir_server import database
from fhir_server.context import Store
from fhir_server.database import ATTEMPTS, Database, Raced, retrying
from fhir_server.errors import Conflict, Unavailable
from fhir_server.storage.blobs import FileBlobs
from tests.examples import a_patient
from tests.fhir_server.conftest import BASE, Connect
from tests.http import Client

END_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'medconsult' AND datname = current_database()"
)


@dataclass(slots=True)
class Door:
    """A door in front of PostgreSQL that can be shut: what is inside is cut off, nobody gets in."""

    dsn: str
    port: int = 0
    listening: socket.socket | None = None
    inside: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return make_dsn(self.dsn, host="127.0.0.1", port=self.port)

    def open(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._let_in, args=(self.listening,), daemon=True).start()

    def shut(self) -> None:
        if self.listening is not None:
            with contextlib.suppress(OSError):
                self.listening.shutdown(socket.SHUT_RDWR)
            self.listening.close()
        while self.inside:
            with contextlib.suppress(OSError), self.inside.pop() as each:
                each.shutdown(socket.SHUT_RDWR)

    def _let_in(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = _server(self.dsn)
                self.inside += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=_carry, args=pair, daemon=True).start()


def _server(dsn: str) -> socket.socket:
    parts = parse_dsn(dsn)
    host, port = parts.get("host", "localhost"), int(parts.get("port", 5432))
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(1 << 16):
            target.sendall(content)
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def door(empty_database: str) -> Iterator[Door]:
    made = Door(empty_database)
    made.open()
    yield made
    made.shut()


@pytest.fixture
def narrow(empty_database: str, tmp_path: Path, connect: Connect) -> Client:
    """A client whose server has two connections."""
    return connect(Store(Database(empty_database, size=2), FileBlobs(tmp_path), BASE))


def test_more_requests_than_connections_are_all_answered(narrow: Client) -> None:
    answers = narrow.all(narrow.sending("POST", "Patient", a_patient()) for _ in range(20))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.id for answer in answers}) == 20
    assert narrow.total_versions() == 20


def test_reads_and_writes_mix_on_few_connections(narrow: Client) -> None:
    narrow.stored(a_patient(id="p1"))
    work = [narrow.sending("GET", "Patient/p1") for _ in range(20)]
    work += [narrow.sending("PUT", f"Patient/q{i}", a_patient(id=f"q{i}")) for i in range(20)]
    assert sorted(answer.status for answer in narrow.all(work)) == [200] * 20 + [201] * 20


def test_a_slow_request_does_not_hold_up_a_quick_one(narrow: Client) -> None:
    store = narrow.app.store
    done: list[str] = []

    def sleep(seconds: float, name: str) -> None:
        with store.database.connection() as connection:
            connection.query("SELECT pg_sleep(%s)", (seconds,))
        done.append(name)

    async def both() -> None:
        await asyncio.gather(database.run(sleep, 0.4, "slow"), database.run(sleep, 0.0, "quick"))

    narrow.run(both())
    assert done == ["quick", "slow"]


def test_a_cancelled_request_gives_its_connection_back(narrow: Client) -> None:
    store = narrow.app.store

    def sleep() -> None:
        with store.database.connection() as connection:
            connection.query("SELECT pg_sleep(5)")

    async def give_up() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(database.run(sleep), 0.2)

    for _ in range(4):
        narrow.run(give_up())
    assert narrow.get("Patient/nobody").status == 404


def test_what_is_raised_in_a_transaction_rolls_it_back(narrow: Client) -> None:
    store = narrow.app.store

    def fail() -> None:
        with store.database.transaction() as connection:
            connection.query("INSERT INTO text_value VALUES (1, 'x', 1)")
            connection.query("SELECT 1 / 0")

    with pytest.raises(psycopg2.errors.DivisionByZero):
        fail()
    with store.database.connection() as connection:
        assert connection.query("SELECT count(*) FROM text_value") == [(0,)]


def test_threads_share_a_small_pool(empty_database: str) -> None:
    pool = Database(empty_database, size=2)
    found: list[int] = []

    def ask() -> None:
        with pool.connection() as connection:
            found.append(connection.query("SELECT 7")[0][0])

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    pool.close()
    assert found == [7] * 20


def test_a_database_that_is_away_is_503_and_comes_back_by_itself(
    door: Door, tmp_path: Path, connect: Connect
) -> None:
    client = connect(Store(Database(door.url, size=4), FileBlobs(tmp_path), BASE))
    client.stored(a_patient(id="p1"))
    for _ in range(2):
        door.shut()
        requests = [client.sending("GET", "Patient/p1") for _ in range(8)]
        requests += [client.sending("POST", "Patient", a_patient()) for _ in range(8)]
        answers = client.all(requests)
        assert {answer.status for answer in answers} == {503}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        assert {code for answer in answers for code in answer.codes} == {"transient"}
        door.open()
        back = client.all(client.sending("GET", "Patient/p1") for _ in range(8))
        assert {answer.status for answer in back} == {200}


def test_sessions_that_the_database_ends_cost_one_answer_at_most(
    client: Client, empty_database: str
) -> None:
    client.stored(a_patient(id="p1"))
    client.all(client.sending("GET", "Patient/p1") for _ in range(8))
    for _ in range(3):
        with contextlib.closing(psycopg2.connect(empty_database)) as other:
            other.cursor().execute(END_SESSIONS)
        first = client.all(client.sending("GET", "Patient/p1") for _ in range(8))
        assert {answer.status for answer in first} <= {200, 503}
        again = client.all(client.sending("GET", "Patient/p1") for _ in range(8))
        assert {answer.status for answer in again} == {200}


def test_a_database_that_never_was_is_unavailable() -> None:
    pool = Database("host=127.0.0.1 port=1 user=nobody dbname=none")
    for _ in range(20):  # more often than the pool has room
        with pytest.raises(Unavailable), pool.connection():
            pass


def test_a_statement_that_takes_too_long_is_503(
    empty_database: str, tmp_path: Path, connect: Connect
) -> None:
    pool = Database(empty_database, size=1, statement_timeout_ms=1)
    client = connect(Store(pool, FileBlobs(tmp_path), BASE))
    statuses = {client.get("_history").status for _ in range(5)}
    assert statuses <= {200, 503}


def test_a_lost_race_is_run_again_but_not_for_ever() -> None:
    attempts: list[int] = []

    def lose(until: int) -> str:
        attempts.append(1)
        if len(attempts) < until:
            raise Raced
        return "done"

    assert retrying(lambda: lose(3)) == "done"
    assert len(attempts) == 3
    attempts.clear()
    with pytest.raises(Conflict):
        retrying(lambda: lose(ATTEMPTS + 1))
