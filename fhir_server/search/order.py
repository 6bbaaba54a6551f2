"""The order of a search result as SQL: sort keys, and where a page begins.

https://hl7.org/fhir/R4/search.html#sort. Pages are found by key set (sort values, key), so a page
costs the same at any depth. Resources without a value come last in either direction: what an
ordered table has values of comes first (`phase` 0, the table's index gives the order), the rest
after it (`phase` 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fhir_server.search import jsonpath
from fhir_server.search.predicates import (
    AnyOf,
    HasTerm,
    InDates,
    InNumbers,
    InPairs,
    InStrings,
    Near,
)
from fhir_server.search.query import Query, Sort
from fhir_server.search.types.date import EARLIEST, LATEST
from fhir_server.search.types.number import LEAST, MOST
from fhir_server.search.writer import Writer

NEWEST_FIRST = Sort("_lastUpdated", "updated", 0, descending=True)
"""The order when none is asked for: the index over a whole type has it ready."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An ordered table, and what stands for no value behind all others."""

    table: str
    column: str
    cast: str
    last: object
    last_descending: object


ORDERED: Mapping[str, Ordered] = MappingProxyType(
    {
        "date": Ordered("date_index", "low", "bigint", LATEST, EARLIEST),
        "number": Ordered("number_index", "low", "numeric", MOST * 10, LEAST * 10),
        "string": Ordered("string_index", "value", 'text COLLATE "C"', "\U0010ffff", ""),
    }
)
_VALUED = (InDates, InNumbers, InStrings)
_MEASURED = (InNumbers, InPairs, InStrings, Near)
_TEXT = Ordered("", "", 'text COLLATE "C"', "\U0010ffff", "")
_COLUMNS = MappingProxyType({"id": "{row}.id", "updated": "{row}.last_updated"})
_JOIN = " {kind}JOIN {table} {name} ON {name}.key = {row}.key AND {name}.param = {param} AND {name}.{end}"


@dataclass(frozen=True, slots=True)
class Place:
    """Between two rows of the result: the next page begins here, or the one before ends here."""

    phase: int
    values: tuple[Any, ...]
    """One for each sort key of the phase, then the key; empty at the very end of the phase."""
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The parts of a statement that its order needs."""

    joins: str
    columns: Sequence[str]
    """Sort values, without the key."""
    conditions: Sequence[str]
    order: str


def keys(query: Query) -> tuple[Sort, ...]:
    """Return what the result is ordered by before the key, the default included.

    What an ordered table finds is left in the order of the key, which the table knows too: then a
    page needs no look at any other match. So are several types, which no index has in order of time.
    """
    if query.sort:
        return query.sort
    predicates = [condition.predicate for condition in query.conditions]
    by_value = any(isinstance(each, _MEASURED) for each in predicates)
    by_term = any(isinstance(each, HasTerm | AnyOf) for each in predicates)
    by_date = any(isinstance(each, InDates) for each in predicates)
    several = len(query.types) > 1
    return () if by_value or ((by_date or several) and not by_term) else (NEWEST_FIRST,)


def phases(query: Query) -> Sequence[int]:
    """Return the parts of the result, one after the other."""
    first = next(iter(keys(query)), NEWEST_FIRST)
    if first.type not in ORDERED or not first.present:
        return (0,)
    # Who asks for values of the parameter has nothing without a value.
    asked = (each.predicate for each in query.conditions)
    present = any(isinstance(each, _VALUED) and each.param == first.param for each in asked)
    return (0,) if present else (0, 1)


def of_phase(query: Query, phase: int) -> tuple[Sort, ...]:
    """Return the sort keys that have values in the phase."""
    return keys(query)[phase:]


def none(sort: Sort) -> object:
    """Return the value that stands for none."""
    kind = ORDERED.get(sort.type, _TEXT)
    return kind.last_descending if sort.descending else kind.last


def write(query: Query, phase: int, place: Place | None, backward: bool, writer: Writer) -> Written:
    """Write the order of one phase for a statement over `resource r`."""
    sort = of_phase(query, phase)
    joins: list[str] = []
    columns = [
        _column(each, position, position == 0 and phase == 0, joins, writer)
        for position, each in enumerate(sort)
    ]
    conditions = []
    if phase == 1:
        conditions.append(_has_none(keys(query)[0], writer))
    signs = [each.descending != backward for each in sort]
    signs.append(signs[-1] if signs else backward)
    if place is not None and place.values:
        conditions.append(_beyond([*columns, "r.key"], signs, place.values, writer))
    order = ", ".join(
        f"{column} DESC" if down else column
        for column, down in zip([*columns, "r.key"], signs, strict=True)
    )
    return Written("".join(joins), columns, conditions, order)


def _column(sort: Sort, position: int, leads: bool, joins: list[str], writer: Writer) -> str:
    """Return the expression of a sort value; a value of an ordered table is joined."""
    if sort.type in _COLUMNS:
        return _COLUMNS[sort.type].format(row="r")
    if sort.type == "text":
        found = jsonpath.extremes(sort.paths, "r.content", sort.descending, writer)
        return f'coalesce({found}, {writer.bind(none(sort))}::text) COLLATE "C"'
    kind = ORDERED[sort.type]
    name = f"s{position}"
    end = "most" if sort.descending else "least"
    joined = _JOIN.format(
        kind="" if leads else "LEFT ",
        table=kind.table,
        name=name,
        row="r",
        param=writer.bind(sort.param) + "::bigint",
        end=end,
    )
    joins.append(joined)
    if leads and sort.type == "date":
        writer.joined[sort.param] = name
    value = f"{name}.{kind.column}"
    return value if leads else f"coalesce({value}, {writer.bind(none(sort))}::{kind.cast})"


def _has_none(sort: Sort, writer: Writer) -> str:
    """Return the condition of no row: a Timing that names no date is present, yet has none."""
    table = ORDERED[sort.type].table
    param = writer.bind(sort.param)
    return f"NOT EXISTS (SELECT FROM {table} n WHERE n.key = r.key AND n.param = {param}::bigint)"


def _beyond(
    columns: Sequence[str], down: Sequence[bool], values: Sequence[object], writer: Writer
) -> str:
    """Return the condition of rows behind the place; its first part is a range for an index."""
    bound = [writer.bind(value) for value in values]
    signs = ["<" if each else ">" for each in down]
    branches: list[str] = []
    for position in range(len(columns)):
        equal = [f"{columns[before]} = {bound[before]}" for before in range(position)]
        branches.append(
            " AND ".join([*equal, f"{columns[position]} {signs[position]} {bound[position]}"])
        )
    either = " OR ".join(f"({branch})" for branch in branches)
    return f"{columns[0]} {signs[0]}= {bound[0]} AND ({either})"
