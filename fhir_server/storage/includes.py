"""What a page's resources refer to, and what refers to them: _include and _revinclude.

https://hl7.org/fhir/R4/search.html#revinclude. Rows carry the keys they refer to, and the terms of
what refers to a resource are made of its key: each step is one look into an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fhir_server.database import Connection
from fhir_server.search.fields import Field, fields
from fhir_server.search.query import Include, Query
from fhir_server.search.term import term
from fhir_server.storage.resources import COLUMNS, Version
from fhir_server.storage.searches import Found

_TARGETS = (
    f"SELECT {COLUMNS}, ref_params, ref_keys FROM resource"
    " WHERE key = ANY(%(keys)s::bigint[]) AND content IS NOT NULL ORDER BY key"
)
_SOURCES = (
    f"SELECT {COLUMNS}, ref_params, ref_keys FROM resource WHERE terms && %(terms)s::bigint[]"
    " AND key <> ALL(%(seen)s::bigint[]) ORDER BY key LIMIT %(limit)s"
)
_WIDTH = 8  # columns of a version


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
    while frontier and (includes or revincludes) and len(found) <= limit:
        wanted = limit + 1 - len(found)
        frontier = [
            *_targets(connection, includes, frontier, seen, wanted),
            *_sources(connection, revincludes, frontier, seen, wanted),
        ]
        found += frontier
        includes, revincludes = _iterating(query.includes), _iterating(query.revincludes)
    return Included([each.version for each in found[:limit]], len(found) <= limit)


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
    if not wanted:
        return []
    # One row more than may be taken tells that there are too many.
    rows = connection.query(_TARGETS, {"keys": list(wanted)})
    fitting = [row for row in rows if wanted[row[0]] & {"", row[1]}][:limit]
    return _linked(fitting, seen)


def _pointed(include: Include, row: Linked) -> Iterator[int]:
    if include.source not in ("*", row.version.type):
        return
    if include.code == "*":
        yield from row.keys
        return
    param = fields(include.source)[include.code].param
    yield from (key for each, key in zip(row.params, row.keys, strict=True) if each == param)


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
    if not terms:
        return []
    parameters = {"terms": list(terms), "seen": list(seen), "limit": limit}
    return _linked(connection.query(_SOURCES, parameters), seen)


def _pointing(include: Include, version: Version) -> Iterator[int]:
    if include.source == "*":
        yield version.key  # the term of every literal reference, in whatever element
        return
    listed: Iterable[Field] = fields(include.source).values()
    if include.code != "*":
        listed = [fields(include.source)[include.code]]
    for field in listed:
        if field.type == "reference" and (not field.targets or version.type in field.targets):
            yield term(field.prefix) ^ version.key


def _linked(rows: Sequence[tuple[object, ...]], seen: set[int]) -> list[Linked]:
    found = [Linked(Version(*row[:_WIDTH]), *row[_WIDTH:]) for row in rows]  # type: ignore[arg-type]
    seen.update(each.version.key for each in found)
    return found
