"""Keeps the rows: those of writes in the transaction of the write, those of reads by the hundred.

A read waits in memory for at most a second; a clean stop writes what waits. When the database is away,
the queue grows to its limit, and then reads wait for it rather than go unaudited.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from fhir_server.audit.access import Access
from fhir_server.codec import encode
from fhir_server.database import Connection, Database
from fhir_server.errors import Unavailable
from fhir_server.search.term import COMPARTMENT
from fhir_server.storage.resources import Version

EVERY_S = 0.5
AT_ONCE = 500
MOST_WAITING = 20_000
_COLUMNS = (
    "recorded, role, account, fhir_user, name, client, token, interaction, type, resource_id,"
    " query, address, request_id, status, keys"
)
_TYPED = "recorded timestamptz, " + ", ".join(
    f"{each} {'int' if each == 'status' else 'bigint[]' if each == 'keys' else 'text'}"
    for each in _COLUMNS.split(", ")[1:]
)
# The patients of a resource are those whose compartments it is in: what it refers to, or itself.
# Each resource is looked at once, however many of the accesses have seen it.
_SEEN = "seen AS (SELECT DISTINCT k.key, a.interaction = 'delete' AS gone FROM a, unnest(a.keys) AS k(key))"
_WITHIN = (
    "within AS (SELECT r.key, t.key AS patient FROM (SELECT r.key, r.ref_keys, r.terms FROM seen"
    " JOIN resource r ON r.key = seen.key UNION ALL SELECT r.key, r.ref_keys, r.terms FROM seen"
    " JOIN resource_history r ON r.key = seen.key AND seen.gone) AS r"
    " CROSS JOIN LATERAL unnest(r.ref_keys || r.key) AS t(key)"
    f" WHERE t.key # {COMPARTMENT}::bigint = ANY(r.terms))"
)
_PATIENTS = (
    "known AS MATERIALIZED (SELECT DISTINCT within.key, within.patient FROM within JOIN resource p"
    " ON p.key = within.patient AND p.type = 'Patient')"
)
_INSERT = (
    f"WITH a AS MATERIALIZED (SELECT * FROM json_to_recordset(%s) AS u({_TYPED})),"
    f" {_SEEN}, {_WITHIN}, {_PATIENTS}"
    f" INSERT INTO audit ({_COLUMNS}, patients) SELECT {_COLUMNS}, ARRAY(SELECT DISTINCT known.patient"
    " FROM known WHERE known.key = ANY(a.keys)) FROM a"
)
_INTERACTIONS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
log = structlog.get_logger("audit")


def write(connection: Connection, accesses: Sequence[Access]) -> None:
    """Insert the rows, in whatever transaction the connection is in."""
    rows = encode([_row(each) for each in accesses])
    connection.query(_INSERT, (rows.decode(),))


def write_changes(connection: Connection, access: Access, versions: Sequence[Version]) -> None:
    """Insert a row for each version that was written, in the transaction that writes it."""
    records = [
        replace(
            access,
            interaction=_INTERACTIONS[version.method],
            type=version.type,
            id=version.id,
            keys=[version.key],
            status=201 if version.version == 1 else 200,
        )
        for version in versions
    ]
    if records:
        write(connection, records)
        # A bundle is an access of its own, beside those of what it writes.
        access.written = access.interaction not in ("transaction", "batch")


def _row(access: Access) -> dict[str, object]:
    """Return the row for PostgreSQL to read, as JSON: the quickest way in for many columns."""
    who = access.principal
    return {
        "recorded": access.recorded,
        "role": who.role,
        "account": who.account,
        "fhir_user": who.user,
        "name": who.name,
        "client": who.client,
        "token": who.token,
        "interaction": access.interaction,
        "type": access.type,
        "resource_id": access.id,
        "query": access.query,
        "address": access.address,
        "request_id": access.request_id,
        "status": access.status,
        "keys": access.keys,
    }


@dataclass(slots=True, eq=False)
class Trail:
    """Of one process; `start` it after the process forked, `stop` it at the end."""

    database: Database
    _waiting: deque[Access] = field(default_factory=deque)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def note(self, access: Access) -> None:
        """Queue an access that changed nothing; Unavailable when too many wait already."""
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("What is read cannot be audited just now; try again in a moment.")
        self._waiting.append(access)

    def flush(self) -> None:
        """Write what waits; it goes on waiting when that fails."""
        while self._waiting:
            some = [self._waiting[n] for n in range(min(AT_ONCE, len(self._waiting)))]
            with self.database.connection() as connection:
                write(connection, some)
            for _ in some:
                self._waiting.popleft()

    def stop(self) -> None:
        """Write what waits and end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)
        self.flush()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            try:
                self.flush()
            except Exception as error:  # noqa: BLE001 - the thread has to live on; it is logged
                log.error("audit.unwritten", error=type(error).__name__, waiting=len(self._waiting))
                time.sleep(EVERY_S)
