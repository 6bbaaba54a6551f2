"""What a page's resources refer to, and what refers to them: _include and _revinclude.

https://hl7.org/fhir/R4/search.html#revinclude. Rows carry the keys they refer to, and the terms of
what refers to a resource are made of its key: each step is one look into an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fhir_server.database import Connection, Row
from fhir_server.search.fields import Field, fields
from fhir_server.search.query import Include, Query
from fhir_server.search.term import term
from fhir_server.storage import canonicals
from fhir_server.storage.resources import COLUMNS, Version
from fhir_server.storage.searches import Found

DEEPEST = 64
"""Steps of :iterate; more than that is said to be incomplete."""

_TARGETS = (
    f"SELECT {COLUMNS}, ref_params, ref_keys FROM resource"
    " WHERE key = ANY(%(keys)s::bigint[]) AND content IS NOT NULL ORDER BY key"
)
# Planned as if all were wanted: the planner takes terms that it has not seen for frequent, and would
# walk the whole table in the hope of a limit that is never reached.
_SOURCES = (
    f"WITH found AS MATERIALIZED (SELECT {COLUMNS}, ref_params, ref_keys FROM resource"
    " WHERE terms && %(terms)s::bigint[])"
    " SELECT * FROM found WHERE key <> ALL(%(seen)s::bigint[]) LIMIT %(limit)s"
)
_WIDTH = 8  # columns of a version
_AT_ONCE = 1000
"""Targets read at once: a List may refer to more than may be included."""
_TERMS_AT_ONCE = 100
"""So few that an index is the obvious way."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A version and where it points."""

    version: Version
    params: Sequence[int]
    keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class Included:
    versions: Sequence[Version]
    complete: bool
    """False when there is more than may be included."""


def included(connection: Connection, query: Query, rows: Sequence[Found], limit: int) -> Included:
    """Return what the query's includes add to these matches, each once and no match again."""
    frontier = [Linked(row.version, *row.links) for row in rows]
    seen = {row.version.key for row in rows}
    found: list[Linked] = []
    includes, revincludes = query.includes, query.revincludes
    steps = 0
    while frontier and (includes or revincludes) and len(found) <= limit and steps < DEEPEST:
        wanted = limit + 1 - len(found)
        frontier = [
            *_targets(connection, includes, frontier, seen, wanted),
            *_named(connection, includes, frontier, seen, wanted),
            *_sources(connection, revincludes, frontier, seen, wanted),
        ]
        found += frontier
        steps += 1
        includes, revincludes = _iterating(query.includes), _iterating(query.revincludes)
    unfinished = steps == DEEPEST and bool(frontier)
    complete = len(found) <= limit and not unfinished
    return Included([each.version for each in found[:limit]], complete)


def _iterating(includes: Iterable[Include]) -> tuple[Include, ...]:
    return tuple(each for each in includes if each.iterate)


def _targets(
    connection: Connection,
    includes: Sequence[Include],
    frontier: Sequence[Linked],
    seen: set[int],
    limit: int,
) -> list[Linked]:
    """Return what the frontier refers to by the includes' parameters; they are seen from now on."""
    wanted: dict[int, set[str]] = {}
    for include in includes:
        for row in frontier:
            for key in _pointed(include, row):
                if key not in seen:
                    wanted.setdefault(key, set()).add(include.target)
    keys, fitting = list(wanted), list[Row]()
    for start in range(0, len(keys), _AT_ONCE):
        if len(fitting) < limit:
            rows = connection.query(_TARGETS, {"keys": keys[start : start + _AT_ONCE]})
            fitting += [row for row in rows if wanted[row[0]] & {"", row[1]}]
    # One row more than may be taken tells that there are too many.
    return _linked(fitting[:limit], seen)


def _pointed(include: Include, row: Linked) -> Iterator[int]:
    if include.source not in ("*", row.version.type):
        return
    if include.code == "*":
        yield from row.keys
        return
    param = fields(include.source)[include.code].param
    yield from (key for each, key in zip(row.params, row.keys, strict=True) if each == param)


def _named(
    connection: Connection,
    includes: Sequence[Include],
    frontier: Sequence[Linked],
    seen: set[int],
    limit: int,
) -> list[Linked]:
    """Return what the frontier names by canonical URL."""
    names = canonicals.Names()
    for include in includes:
        for row in frontier:
            if include.source in ("*", row.version.type):
                names.add(_parameters(row.version.type, include.code), include.target, row.version)
    rows = _having(connection, names.terms(), seen, limit)
    return _linked([row for row in rows if names.names(Version(*row[:_WIDTH]))], seen)


def _sources(
    connection: Connection,
    revincludes: Sequence[Include],
    frontier: Sequence[Linked],
    seen: set[int],
    limit: int,
) -> list[Linked]:
    """Return what refers to the frontier by the revincludes' parameters."""
    terms = {
        found
        for include in revincludes
        for row in frontier
        if include.target in ("", row.version.type)
        for found in _pointing(include, row.version)
    }
    return _linked(_having(connection, list(terms), seen, limit), seen)


def _pointing(include: Include, version: Version) -> Iterator[int]:
    if include.source == "*":
        yield version.key  # the term of every literal reference, in whatever element
        return
    listed = _parameters(include.source, include.code)
    for field in listed:
        if not field.targets or version.type in field.targets:
            yield term(field.prefix) ^ version.key
    yield from canonicals.pointing(listed, version)


def _parameters(resource_type: str, code: str) -> list[Field]:
    """Return the reference parameters that an include names."""
    known = fields(resource_type)
    listed = known.values() if code == "*" else [known[code]]
    return [each for each in listed if each.type == "reference"]


def _having(connection: Connection, terms: list[int], seen: set[int], limit: int) -> list[Row]:
    """Return what has one of the terms and was not seen yet, by key."""
    found: dict[int, Row] = {}
    terms = sorted(terms)
    for start in range(0, len(terms), _TERMS_AT_ONCE):
        some = terms[start : start + _TERMS_AT_ONCE]
        wanted = {"terms": some, "seen": [*seen, *found], "limit": limit - len(found)}
        if len(found) < limit:
            found |= {row[0]: row for row in connection.query(_SOURCES, wanted)}
    return [found[key] for key in sorted(found)]


def _linked(rows: Sequence[Row], seen: set[int]) -> list[Linked]:
    """Return the rows, which are seen from now on."""
    found = [Linked(Version(*row[:_WIDTH]), *row[_WIDTH:]) for row in rows]
    seen.update(each.version.key for each in found)
    return found
