"""A compartment and what its resources refer to, by key set. https://hl7.org/fhir/R4/patient-operation-everything.html"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_server.database import Connection
from fhir_server.search.term import compartment_term
from fhir_server.storage.resources import COLUMNS, Version

_FILTER = " AND key > %(after)s AND last_updated >= %(since)s AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s))"
_ORDER = " ORDER BY key LIMIT %(limit)s"
_MEMBERS = (
    f"SELECT {COLUMNS} FROM resource WHERE terms @> %(compartment)s::bigint[]{_FILTER}{_ORDER}"
)
_REFERRED = (
    "WITH referred AS (SELECT DISTINCT unnest(ref_keys) AS key FROM resource WHERE terms @> %(compartment)s::bigint[]) "
    f"SELECT {COLUMNS} FROM resource JOIN referred USING (key)"
    f" WHERE content IS NOT NULL AND NOT terms @> %(compartment)s::bigint[]{_FILTER}{_ORDER}"
)
FIRST = -(1 << 63)


@dataclass(frozen=True, slots=True)
class Selection:
    compartment: str
    """"Patient/1"."""
    since: datetime
    types: Sequence[str] | None = None


Phase = Callable[[Connection, Selection, int, int], list[Version]]


def members(connection: Connection, selection: Selection, after: int, limit: int) -> list[Version]:
    return _rows(connection, _MEMBERS, selection, after, limit)


def referred(connection: Connection, selection: Selection, after: int, limit: int) -> list[Version]:
    """Return what the members refer to and is no member itself: practitioners, organizations, ..."""
    return _rows(connection, _REFERRED, selection, after, limit)


def _rows(
    connection: Connection, sql: str, selection: Selection, after: int, limit: int
) -> list[Version]:
    parameters = {
        "compartment": f"{{{compartment_term(selection.compartment)}}}",
        "since": selection.since,
        "types": list(selection.types) if selection.types else None,
        "after": after,
        "limit": limit,
    }
    return [Version(*row) for row in connection.query(sql, parameters)]
