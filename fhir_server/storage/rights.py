"""What of the stored resources fulfils a right: a predicate of the access policy.

A current version is decided by the index. A superseded one has no index: it is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from fhir_server.database import Connection, Statement
from fhir_server.search import sql
from fhir_server.search.entry import Entry
from fhir_server.search.match import fulfils
from fhir_server.search.predicates import Predicate
from fhir_server.search.query import Condition, Query
from fhir_server.storage import superseded
from fhir_server.storage.resources import COLUMNS, Version, array

_READ_MARKED = Statement(
    "read_marked",
    ("bigint", "bigint[]"),
    f"SELECT {COLUMNS} FROM resource WHERE key = $1 AND terms && $2",
)


_READ_OWN = Statement(
    "read_own",
    ("bigint", "bigint"),
    f"SELECT {COLUMNS} FROM resource WHERE key = $1 AND $2 = ANY(terms)",
)
"""The same for one term, which is cheaper to look for."""


FEW = 100
"""Up to so many resources it is cheaper to follow the links of each than to find all that is linked."""
_KEPT = 2**10
"""Statements that are remembered: one for each right of each principal of late."""


def read_marked(connection: Connection, key: int, marks: Sequence[int]) -> Version | None:
    """Return the current version if it has one of the terms: reading and deciding in one look."""
    if len(marks) == 1:
        rows = connection.run(_READ_OWN, key, marks[0])
    else:
        rows = connection.run(_READ_MARKED, key, array(marks))
    return Version(*rows[0]) if rows else None


def read(connection: Connection, resource_type: str, right: Predicate, key: int) -> Version | None:
    """Return the current version, which is no deletion, if it fulfils the right."""
    selected = statement((resource_type,), right, sql.COLUMNS, few=True)
    rows = connection.asked_often(selected.text, {**selected.parameters, sql.KEYS: [key]})
    return Version(*rows[0]) if rows else None


def fulfilling(
    connection: Connection, types: Sequence[str], right: Predicate, keys: Iterable[int]
) -> set[int]:
    """Return the keys of those of the current resources that are of the types and fulfil the right."""
    asked = list(keys)
    selected = statement(tuple(types), right, "r.key", few=len(asked) <= FEW)
    # Of several types together there are too many texts for a plan of each to be kept.
    ask = connection.asked_often if len(types) == 1 else connection.query
    return {row[0] for row in ask(selected.text, {**selected.parameters, sql.KEYS: asked})}


@lru_cache(maxsize=_KEPT)
def statement(types: tuple[str, ...], right: Predicate, what: str, *, few: bool) -> sql.Statement:
    """Select what there is of those of some resources that fulfil the right."""
    return sql.among(Query(types, (Condition("access", (), right),)), what, few=few)


def holds(connection: Connection, right: Predicate, entry: Entry) -> bool:
    """Tell whether what is about to be written fulfils the right, as things stand before."""
    return fulfils(right, entry, superseded.linked(connection))


def held(connection: Connection, right: Predicate, version: Version, base_url: str) -> bool:
    """Tell whether a version fulfils the right by its own content."""
    return holds(connection, right, superseded.entry_of(version, base_url))
