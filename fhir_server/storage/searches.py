"""Running a search: pages that all see the data as of the first one, counts and estimates.

What the SQL says is `fhir_server.search.sql`'s. A later page takes the rows that have not changed
since the first page's snapshot from the index, and what was superseded since from the history;
few rows are, so those are matched and put in their places in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.database import Connection, Row
from fhir_server.search import order, sql
from fhir_server.search.order import Place
from fhir_server.search.query import Query, fingerprint
from fhir_server.storage import contained, frequencies, links, snapshots, superseded
from fhir_server.storage.as_of import Moment, as_of
from fhir_server.storage.resources import Version
from fhir_server.storage.superseded import Superseded

_WIDTH = 8  # columns of a version; the snapshot, links and sort values follow


@dataclass(frozen=True, slots=True)
class Found:
    """One row of a result."""

    version: Version
    phase: int
    values: tuple[Any, ...]
    """Sort values of the phase, then the key."""
    links: tuple[Sequence[int], Sequence[int]] = ((), ())
    """Parameters and target keys of its references; only of a query with includes."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a result, and the tokens of the pages around them; "" where there are none."""

    rows: Sequence[Found]
    next: str = ""
    previous: str = ""
    total: int | None = None
    """What the first page had counted."""


def page(
    connection: Connection,
    query: Query,
    token: str | None = None,
    *,
    total: int | None = None,
    base_url: str = "",
) -> Page:
    """Return the first page, or the one of a token; InvalidParameter when the token is not ours."""
    found = _page(connection, query, token, total, base_url)
    return replace(found, rows=_shown(connection, query, found.rows))


def _shown(connection: Connection, query: Query, rows: Sequence[Found]) -> Sequence[Found]:
    """Put containers in the place of what they contain, when the query asks for that."""
    if not query.whole:
        return rows
    outer = contained.containers(connection, [row.version for row in rows])
    return [
        replace(row, version=outer.get(row.version.key, row.version))
        for row in rows
        if row.version.key in outer or not contained.is_contained(row.version)
    ]


def _page(
    connection: Connection, query: Query, token: str | None, total: int | None, base_url: str
) -> Page:
    if token is None:
        rows, snapshot = _first(connection, query, base_url)
        more = len(rows) > query.count
        seal = _sealer(connection, query, snapshot, total)
        rows = rows[: query.count]
        return Page(rows, seal(rows[-1], backward=False) if more and rows else "", "", total)
    snapshot, total, place = _read(connection, query, token)
    rows = _following(connection, query, snapshot, place, base_url)
    more, rows = len(rows) > query.count, rows[: query.count]
    seal = _sealer(connection, query, snapshot, total)
    if place.backward:
        rows = rows[::-1]
        return Page(
            rows,
            seal(rows[-1], backward=False) if rows else "",
            seal(rows[0], backward=True) if more else "",
            total,
        )
    following = seal(rows[-1], backward=False) if more else ""
    return Page(rows, following, seal(rows[0], backward=True) if rows else "", total)


def _select(
    connection: Connection,
    query: Query,
    phase: int,
    place: Place | None,
    limit: int,
    snapshot: str = "",
) -> list[Row]:
    """Return rows of a phase; for what many resources have, a look at the newest comes first."""
    window = frequencies.window(connection, query, limit)
    if window:
        few = sql.page(query, phase, place, limit=limit, snapshot=snapshot, window=window)
        rows = connection.query(few.text, few.parameters)
        if len(rows) == limit:
            return rows
    many = frequencies.many(connection)
    statement = sql.page(query, phase, place, limit=limit, snapshot=snapshot, many=many)
    return connection.query(statement.text, statement.parameters)


def _first(connection: Connection, query: Query, base_url: str) -> tuple[list[Found], str]:
    """Return one row more than the page holds, and the snapshot they were seen in."""
    rows: list[Found] = []
    snapshot = ""
    for phase in order.phases(query):
        wanted = query.count + 1 - len(rows)
        if wanted > 0 and snapshot:
            # Others may have written since the phase before: this one has to see what that saw.
            start = Place(phase, ())
            rows += _following(connection, query, snapshot, start, base_url)[:wanted]
        elif wanted > 0:
            found = _select(connection, query, phase, None, wanted)
            rows += [_found(query, phase, row) for row in found]
            snapshot = snapshots.seen(connection, found[0][_WIDTH]) if found else ""
    return rows, snapshot


def _following(
    connection: Connection, query: Query, snapshot: str, place: Place, base_url: str
) -> list[Found]:
    rows: list[Found] = []
    then = as_of(query, Moment(connection, snapshot, base_url))
    old = superseded.beyond(connection, then, snapshot, base_url, place, query.count + 1)
    earlier = [_earlier(query, each) for each in old]
    for phase in order.phases(query)[:: -1 if place.backward else 1]:
        wanted = query.count + 1 - len(rows)
        here = place if phase == place.phase else None
        if (phase > place.phase if place.backward else phase < place.phase) or wanted <= 0:
            continue
        here = here or Place(phase, (), place.backward)
        unchanged = _select(connection, then, phase, here, wanted, snapshot)
        merged = [_found(query, phase, row) for row in unchanged]
        merged += [each for each in earlier if each.phase == phase and _beyond(query, each, here)]
        rows += _sorted(query, phase, merged, backward=place.backward)[:wanted]
    return rows


def _found(query: Query, phase: int, row: Row) -> Found:
    start = _WIDTH + 1 + (2 if query.includes else 0)
    linked = (row[_WIDTH + 1], row[_WIDTH + 2]) if query.includes else ((), ())
    return Found(Version(*row[:_WIDTH]), phase, (*row[start:], row[0]), linked)


def _earlier(query: Query, old: Superseded) -> Found:
    links = ([param for param, _ in old.entry.references], [key for _, key in old.entry.references])
    return Found(old.version, *superseded.sort_values(query, old), links)


def _directions(query: Query, phase: int, backward: bool) -> list[bool]:
    """Tell of each sort value, and of the key, whether it falls."""
    down = [sort.descending != backward for sort in order.of_phase(query, phase)]
    return [*down, down[-1] if down else backward]


def _sorted(query: Query, phase: int, rows: list[Found], *, backward: bool) -> list[Found]:
    directions = _directions(query, phase, backward)
    for position in reversed(range(len(directions))):
        rows.sort(key=lambda row: row.values[position], reverse=directions[position])
    return rows


def _beyond(query: Query, row: Found, place: Place) -> bool:
    if not place.values:
        return True
    for own, there, down in zip(
        row.values, place.values, _directions(query, place.phase, place.backward), strict=True
    ):
        if own != there:
            return bool(own < there if down else own > there)
    return False


def _sealer(
    connection: Connection, query: Query, snapshot: str, total: int | None
) -> Callable[..., str]:
    def seal(row: Found, *, backward: bool) -> str:
        values = [snapshot, total, row.phase, backward, *map(str, row.values)]
        return links.seal(connection, fingerprint(query), values)

    return seal


def _read(connection: Connection, query: Query, token: str) -> tuple[str, int | None, Place]:
    snapshot, total, phase, backward, *written = links.unseal(connection, fingerprint(query), token)
    readers: list[Callable[[str], object]] = [
        *(_READERS[sort.type] for sort in order.of_phase(query, phase)),
        int,
    ]
    values = tuple(read(value) for read, value in zip(readers, written, strict=True))
    return snapshot, total, Place(phase, values, backward)


_READERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "id": str,
        "string": str,
        "text": str,
        "date": int,
        "number": Decimal,
        "updated": datetime.fromisoformat,
    }
)


def count(connection: Connection, query: Query) -> int:
    """Count all matches."""
    statement = sql.count(query)
    return int(connection.query(statement.text, statement.parameters)[0][0])


def estimate(connection: Connection, query: Query) -> int:
    """Return how many matches the planner expects, in no more time than a plan takes."""
    statement = sql.matches(query)
    plan = connection.query(f"EXPLAIN (FORMAT JSON) {statement.text}", statement.parameters)
    return int(plan[0][0][0]["Plan"]["Plan Rows"])


def first(connection: Connection, query: Query, limit: int, base_url: str = "") -> list[Version]:
    """Return at most `limit` matches in the query's order."""
    rows, _ = _first(connection, replace(query, count=limit), base_url)
    return [row.version for row in _shown(connection, query, rows[:limit])]
