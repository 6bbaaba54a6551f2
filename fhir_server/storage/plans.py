"""What PostgreSQL means to do for a search: refuse what costs too much, say the rest in words.

https://www.postgresql.org/docs/current/using-explain.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from fhir_server.database import Connection
from fhir_server.errors import TooCostly
from fhir_server.search import sql
from fhir_server.search.cost import advice, may_be_costly
from fhir_server.search.query import Condition, Query
from fhir_server.search.sql import Statement

_INDEXES: Mapping[str, str] = MappingProxyType(
    {
        "resource_pkey": "the primary key",
        "resource_terms": "the inverted index of all equality facts",
        "resource_type_updated": "the index of types by time of change",
        "resource_changed": "the index of changed resources",
        "contained_pkey": "the primary key of contained resources",
        "contained_terms": "the inverted index of contained resources' facts",
        "contained_container": "the index of contained resources by container",
        "contained_type_updated": "the index of contained resources' types by time of change",
        "date_index_key": "the dates of each resource",
        "date_index_value": "the ordered index of dates",
        "date_index_long": "the ordered index of long periods",
        "number_index_key": "the numbers of each resource",
        "number_index_value": "the ordered index of numbers",
        "number_index_wide": "the ordered index of ranges",
        "string_index_key": "the strings of each resource",
        "string_index_value": "the ordered index of strings",
        "text_value_pkey": "the ordered list of texts",
    }
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement's plan, as far as a client needs to know it."""

    cost: float
    """In PostgreSQL's units: a page read in sequence costs 1."""
    rows: int
    """Expected."""
    indexes: tuple[str, ...]
    """In words, in the plan's order."""
    scans: tuple[str, ...]
    """Tables that are read whole."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One condition, or the order, on its own."""

    name: str
    plan: Plan
    advice: str


def refuse_costly(connection: Connection, query: Query, limit: float) -> None:
    """Raise TooCostly when the first page, or the count asked for, is expected to cost more.

    Only searches whose shape can be dear are planned beforehand: planning costs time too.
    """
    if not may_be_costly(query):
        return
    statements = [sql.page(query, limit=query.count + 1)] if query.count else []
    if query.total == "accurate":
        statements.append(sql.count(query))
    cost = max((of(connection, each).cost for each in statements), default=0.0)
    if cost > limit:
        raise TooCostly(
            f"This search is expected to cost {cost:,.0f} units, and {limit:,.0f} are allowed. "
            f"{advice(query)}"
        )


def of(connection: Connection, statement: Statement) -> Plan:
    """Return the plan, without running the statement."""
    explained = connection.query(f"EXPLAIN (FORMAT JSON) {statement.text}", statement.parameters)
    top = explained[0][0][0]["Plan"]
    nodes = list(_nodes(top))
    named = [each["Index Name"] for each in nodes if "Index Name" in each]
    return Plan(
        cost=float(top["Total Cost"]),
        rows=int(top["Plan Rows"]),
        indexes=tuple(dict.fromkeys(_INDEXES.get(name, name) for name in named)),
        scans=tuple(each["Relation Name"] for each in nodes if each["Node Type"] == "Seq Scan"),
    )


def explain(connection: Connection, query: Query) -> tuple[Plan, list[Explained]]:
    """Return the plan of the first page, and that of each condition on its own."""
    whole = of(connection, sql.page(query, limit=query.count + 1))
    return whole, [_alone(connection, query, each) for each in query.conditions]


def _alone(connection: Connection, query: Query, condition: Condition) -> Explained:
    alone = replace(query, conditions=(condition,))
    plan = of(connection, sql.matches(alone))
    return Explained(condition.name, plan, advice(alone) if may_be_costly(alone) else "")


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)
