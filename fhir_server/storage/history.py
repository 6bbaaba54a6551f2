"""Reading the history as a log: instance, type and system, newest first, by key set.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fhir_server.database import Connection
from fhir_server.storage.resources import COLUMNS, Version

_BOUNDS = (
    "last_updated <= %(upper)s AND last_updated >= %(since)s"
    " AND (last_updated, key, version) < (%(before_time)s, %(before_key)s, %(before_version)s)"
)
# A version was current in a period when it began before its end and its successor after its start.
_CURRENT = (
    " AND NOT EXISTS (SELECT FROM resource n WHERE n.key = v.key AND n.version = v.version + 1"
    " AND n.last_updated <= %(at)s) AND NOT EXISTS (SELECT FROM resource_history n"
    " WHERE n.key = v.key AND n.version = v.version + 1 AND n.last_updated <= %(at)s)"
)
_ORDER = "ORDER BY last_updated DESC, key DESC, version DESC LIMIT %(limit)s"


def _instance(current: str) -> str:
    parts = [
        f"(SELECT {COLUMNS} FROM {table} v WHERE key = %(key)s AND {_BOUNDS}{current} {_ORDER})"
        for table in ("resource", "resource_history")
    ]
    return f"{' UNION ALL '.join(parts)} {_ORDER}"


def _types(current: str) -> str:
    """One probe of (type, last_updated, key) a type and table, so no type's history is read whole."""
    parts = [
        f"(SELECT {COLUMNS} FROM {table} v WHERE v.type = t.name AND {_BOUNDS}{current} {_ORDER})"
        for table in ("resource", "resource_history")
    ]
    return (
        "SELECT v.* FROM unnest(%(types)s::text[]) AS t(name) CROSS JOIN LATERAL"
        f" ({' UNION ALL '.join(parts)}) AS v {_ORDER}"
    )


_INSTANCE, _INSTANCE_AT = _instance(""), _instance(_CURRENT)
_TYPES, _TYPES_AT = _types(""), _types(_CURRENT)


def _counted(which: str, current: str) -> str:
    counts = [
        f"(SELECT count(*) FROM {table} v WHERE {which} AND {_BOUNDS}{current})"
        for table in ("resource", "resource_history")
    ]
    return f"SELECT {' + '.join(counts)}"


_COUNTS = {current: _counted("type = ANY(%(types)s)", current) for current in ("", _CURRENT)}
_INSTANCE_COUNTS = {current: _counted("key = %(key)s", current) for current in ("", _CURRENT)}

END_OF_TIME = datetime.fromisoformat("9999-12-31T00:00:00+00:00")
START_OF_TIME = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Window:
    """Which versions: made since, current during [at, upper], and beyond the page before."""

    limit: int
    since: datetime = START_OF_TIME
    at: datetime | None = None
    upper: datetime = END_OF_TIME
    before: tuple[datetime, int, int] = (END_OF_TIME, (1 << 63) - 1, (1 << 31) - 1)


def of_instance(connection: Connection, key: int, window: Window) -> list[Version]:
    sql = _INSTANCE if window.at is None else _INSTANCE_AT
    return [Version(*row) for row in connection.query(sql, {**_parameters(window), "key": key})]


def of_types(connection: Connection, types: Sequence[str], window: Window) -> list[Version]:
    sql = _TYPES if window.at is None else _TYPES_AT
    return [
        Version(*row)
        for row in connection.query(sql, {**_parameters(window), "types": list(types)})
    ]


def count_instance(connection: Connection, key: int, window: Window) -> int:
    return _count(connection, _INSTANCE_COUNTS, window, {"key": key})


def count_types(connection: Connection, types: Sequence[str], window: Window) -> int:
    return _count(connection, _COUNTS, window, {"types": list(types)})


def _count(
    connection: Connection, counts: dict[str, str], window: Window, which: dict[str, object]
) -> int:
    sql = counts["" if window.at is None else _CURRENT]
    return int(connection.query(sql, {**_parameters(window), **which})[0][0])


def _parameters(window: Window) -> dict[str, object]:
    time, key, version = window.before
    return {
        "limit": window.limit,
        "since": window.since,
        "at": window.at,
        "upper": window.upper,
        "before_time": time,
        "before_key": key,
        "before_version": version,
    }
