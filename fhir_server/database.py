"""Connections to PostgreSQL: prepared statements, transactions, and waiting without a thread.

Code below this line is plain synchronous Python. On the event loop it runs inside a greenlet
(`run`): psycopg2's wait callback hands the socket to the loop instead of blocking it, so one
process serves many requests with no thread switches. Off the loop (command line, tests, a
thread) the same code simply waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import greenlet
import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras

from fhir_server.errors import Conflict, Unavailable

T = TypeVar("T")
Row = tuple[Any, ...]


class Raced(Exception):
    """Another transaction changed what this one had read before: run it again."""


RETRYABLE = (
    Raced,
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.UniqueViolation,
    psycopg2.errors.LockNotAvailable,
)
ATTEMPTS = 12
MOST_PREPARED = 64
"""Statements of a connection: PostgreSQL keeps a plan of each, some 80 kB."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that each connection prepares when it first needs it."""

    name: str
    types: tuple[str, ...]
    sql: str

    def prepare(self) -> str:
        types = f"({', '.join(self.types)})" if self.types else ""
        return f"PREPARE {self.name}{types} AS {self.sql}"

    def execute(self) -> str:
        arguments = f"({', '.join(['%s'] * len(self.types))})" if self.types else ""
        return f"EXECUTE {self.name}{arguments}"


@dataclass(slots=True, eq=False)
class Connection:
    """One PostgreSQL session in autocommit; `Database.transaction` brackets it."""

    session: Any
    cursor: Any
    prepared: dict[str, str] = field(default_factory=dict)
    remembered: dict[str, Any] = field(default_factory=dict)
    """What was read once and changes seldom or never: keys, statistics."""

    @property
    def in_transaction(self) -> bool:
        return bool(self.session.info.transaction_status != 0)

    def run(self, statement: Statement, *arguments: Any) -> list[Row]:
        """Execute a prepared statement; returns its rows, [] when it has none."""
        execute = self.prepared.get(statement.name)
        if execute is None:
            self.cursor.execute(statement.prepare())
            execute = self.prepared[statement.name] = statement.execute()
        self.cursor.execute(execute, arguments)
        return self.cursor.fetchall() if self.cursor.description else []

    def asked_often(self, sql: str, parameters: Mapping[str, object]) -> list[Row]:
        """Execute SQL whose text comes again and again with other values; planned once, for any values.

        parameters: in the order in which the text first names them, all of which it does.
        """
        execute = self.prepared.get(sql)
        if execute is None:
            if len(self.prepared) >= MOST_PREPARED:
                return self.query(sql, parameters)
            numbered = {name: f"${number}" for number, name in enumerate(parameters, 1)}
            name = f"often_{len(self.prepared)}"
            self.cursor.execute(f"PREPARE {name} AS {sql % numbered}")
            arguments = ", ".join(f"%({each})s" for each in parameters)
            execute = self.prepared[sql] = f"EXECUTE {name}({arguments})"
        return self.query(execute, parameters)

    def query(self, sql: str, parameters: Any = None) -> list[Row]:
        """Execute SQL made of constants, values given apart; planned for these very values."""
        self.cursor.execute(sql, parameters)
        return self.cursor.fetchall() if self.cursor.description else []

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Bracket statements by BEGIN .. COMMIT, if they are in no transaction yet; errors roll back."""
        if self.session.info.transaction_status != psycopg2.extensions.TRANSACTION_STATUS_IDLE:
            yield
            return
        self.cursor.execute("BEGIN")
        try:
            yield
        except BaseException:
            if not self.session.closed:
                self.cursor.execute("ROLLBACK")
            raise
        self.cursor.execute("COMMIT")


def lend(session: Any) -> Connection:
    """Return the connection on a session that somebody else opened and will end."""
    return Connection(session, session.cursor())


@dataclass(slots=True, eq=False)
class Database:
    """A pool of at most `size` connections of this process; a caller beyond that waits its turn."""

    url: str
    size: int = 16
    statement_timeout_ms: int = 30_000
    _idle: list[Connection] = field(default_factory=list)
    _open: int = 0
    _waiting: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection; Unavailable when PostgreSQL cannot be reached or goes away."""
        lent = self._take()
        try:
            yield lent
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            raise self._translate(lent, error) from error
        finally:
            self._give_back(lent)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection inside BEGIN .. COMMIT; anything raised rolls back."""
        with self.connection() as lent, lent.whole():
            yield lent

    def close(self) -> None:
        while self._idle:
            _close(self._idle.pop().session)
            self._open -= 1

    def _translate(self, lent: Connection, error: Exception) -> Exception:
        if isinstance(error, (*RETRYABLE, psycopg2.errors.QueryCanceled)):
            return error
        if not lent.session.closed and isinstance(error, psycopg2.errors.DiskFull):
            return Unavailable("The database's disk is full.", headers={"Retry-After": "60"})
        _close(lent.session)
        return unreachable()

    def _take(self) -> Connection:
        while True:
            with self._lock:
                if self._idle:
                    return self._idle.pop()
                if self._open < self.size:
                    self._open += 1
                    break
                wake = _sleeper(self._waiting)
            wake()
        try:
            return self._connect()
        except psycopg2.OperationalError as error:
            self._forget()
            raise unreachable() from error
        except BaseException:
            self._forget()
            raise

    def _connect(self) -> Connection:
        session = psycopg2.connect(
            self.url,
            connect_timeout=5,
            application_name="medconsult",
            options=f"-c statement_timeout={self.statement_timeout_ms} -c timezone=UTC -c jit=off"
            " -c plan_cache_mode=force_generic_plan",
        )
        session.autocommit = True
        return Connection(session, session.cursor())

    def _give_back(self, lent: Connection) -> None:
        if lent.session.closed or lent.session.info.transaction_status != 0:
            _close(lent.session)
            self._forget()
            return
        with self._lock:
            self._idle.append(lent)
        self._wake_one()

    def _forget(self) -> None:
        with self._lock:
            self._open -= 1
        self._wake_one()

    def _wake_one(self) -> None:
        with self._lock:
            wake = self._waiting.pop(0) if self._waiting else None
        if wake:
            wake()


def unreachable() -> Unavailable:
    return Unavailable(
        "The database does not answer; try again in a moment.", headers={"Retry-After": "2"}
    )


def retrying(attempt: Callable[[], T]) -> T:
    """Run again what lost a race (deadlock, serialization, a row created meanwhile); Conflict in the end.

    The attempt has to be one whole transaction with no effect outside it.
    """
    for _ in range(ATTEMPTS):
        with contextlib.suppress(*RETRYABLE):
            return attempt()
    raise Conflict("Others kept changing the same resources at the same time; try again.")


async def run(work: Callable[..., T], *arguments: Any) -> T:
    """Run synchronous code on the event loop; each wait for PostgreSQL lets other requests go on."""
    loop = asyncio.get_running_loop()
    green = greenlet.greenlet(work)
    wanted = green.switch(*arguments)
    while not green.dead:
        try:
            await wanted(loop)
        except BaseException as error:  # noqa: BLE001 - the waiting code has to see it, to free what it holds
            wanted = green.throw(error)
        else:
            wanted = green.switch()
    return wanted  # type: ignore[no-any-return]


def breathe() -> None:
    """Let other requests of this process go on; for long work between statements."""
    if (loop_side := greenlet.getcurrent().parent) is not None:
        loop_side.switch(_pause)


def _pause(_: asyncio.AbstractEventLoop) -> Any:
    return asyncio.sleep(0)


def _sleeper(waiting: list[Callable[[], None]]) -> Callable[[], None]:
    """Queue this caller up; the result blocks it until it is woken."""
    loop_side = greenlet.getcurrent().parent
    if loop_side is None:
        event = threading.Event()
        waiting.append(event.set)
        return lambda: void(event.wait())
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    waiting.append(lambda: void(loop.call_soon_threadsafe(_resolve, future)))
    return lambda: void(loop_side.switch(lambda _: future))


def void(_: object) -> None:
    """Drop a result."""


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@dataclass(slots=True, eq=False)
class _Reader:
    """The loop's standing interest in one socket: registered once, not at every statement."""

    loop: asyncio.AbstractEventLoop
    session: Any
    number: int
    future: asyncio.Future[None] | None = None
    unwanted: int = 0

    def ready(self) -> None:
        future, self.future = self.future, None
        if future is not None:
            self.unwanted = 0
            _resolve(future)
            return
        # Nobody waits: once or twice that is a late call; a socket whose other end is gone
        # would call for ever.
        self.unwanted += 1
        if self.unwanted > MOST_UNWANTED:
            self.drop()

    def drop(self) -> None:
        _readers.pop(self.number, None)
        if not self.loop.is_closed():
            self.loop.remove_reader(self.number)


_readers: dict[int, _Reader] = {}
MOST_UNWANTED = 8


def _wait(session: Any) -> None:
    loop_side = greenlet.getcurrent().parent
    if loop_side is None:
        psycopg2.extras.wait_select(session)
        return
    number = session.fileno()
    try:
        while (state := session.poll()) != psycopg2.extensions.POLL_OK:
            number = session.fileno()
            if state == psycopg2.extensions.POLL_READ:
                loop_side.switch(lambda loop: _readable(loop, session))
            else:
                loop_side.switch(lambda loop: _writable(loop, session.fileno()))
    except BaseException:
        # psycopg2 now closes the socket, and its number may come back with another session.
        if number in _readers:
            _readers[number].drop()
        raise


def _readable(loop: asyncio.AbstractEventLoop, session: Any) -> asyncio.Future[None]:
    number = session.fileno()
    known = _readers.get(number)
    if known is not None and (known.session is not session or known.loop is not loop):
        known.drop()
        known = None
    if known is None:
        known = _readers[number] = _Reader(loop, session, number)
        loop.add_reader(number, known.ready)
    known.future = future = loop.create_future()
    return future


def _close(session: Any) -> None:
    """Close, and take the socket off the loop first, because its number may come back."""
    if not session.closed:
        known = _readers.get(session.fileno())
        if known is not None and known.session is session:
            known.drop()
    with contextlib.suppress(psycopg2.Error):
        session.close()


async def _writable(loop: asyncio.AbstractEventLoop, number: int) -> None:
    future = loop.create_future()
    loop.add_writer(number, _resolve, future)
    try:
        await future
    finally:
        loop.remove_writer(number)


def on_event_loop() -> None:
    """Make every connection of this process wait through `_wait`; COPY is not possible afterwards."""
    psycopg2.extensions.set_wait_callback(_wait)


__all__: Sequence[str] = (
    "ATTEMPTS", "RETRYABLE", "Connection", "Database", "Raced", "Row", "Statement",
    "breathe", "on_event_loop", "retrying", "run", "unreachable",
)  # fmt: skip
