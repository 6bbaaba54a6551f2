"""What was written that others follow, noted in the transaction of the write: each version once.

Mails, slots and refunds come of it, whichever door the change came through. Who follows takes the
oldest rows, does what is to be done and deletes them, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_server import codec
from fhir_server.database import Connection
from fhir_server.storage import contained, occupied
from fhir_server.storage.resources import Change, Version

WATCHED = frozenset({"Appointment", "DocumentReference", "Schedule"})
_NOTE = "INSERT INTO outbox (type, id, version) VALUES (%s, %s, %s)"
_TAKE = (
    "DELETE FROM outbox WHERE number = (SELECT number FROM outbox ORDER BY number LIMIT 1"
    " FOR UPDATE SKIP LOCKED) RETURNING type, id, version"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A version of a watched type that was written."""

    type: str
    id: str
    version: int


def write(connection: Connection, change: Change) -> bool:
    """Write one version, and what follows from it; False as `contained.write` says."""
    if change.version.type not in WATCHED:
        return contained.write(connection, change)
    with connection.whole():
        written = contained.write(connection, change)
        if written:
            _follow(connection, change.version)
    return written


def write_many(connection: Connection, changes: Sequence[Change]) -> None:
    """Write versions, whose earlier ones the caller has locked, and what follows from them."""
    contained.write_many(connection, changes)
    for change in changes:
        if change.version.type in WATCHED:
            _follow(connection, change.version)


def _follow(connection: Connection, version: Version) -> None:
    if version.type == "Appointment":
        content = version.content
        appointment = codec.decode_again(content.encode()) if content else None
        occupied.write(connection, version.key, appointment)
    connection.query(_NOTE, (version.type, version.id, version.version))


def take(connection: Connection) -> Written | None:
    """Take the oldest note that nobody else has in hand; None when there is none. Needs a transaction."""
    rows = connection.query(_TAKE)
    return Written(*rows[0]) if rows else None
