"""Compile a Query to SQL over the resource table and the ordered tables.

https://hl7.org/fhir/R4/search.html. The text is built of constants and placeholders only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import singledispatch
from types import MappingProxyType

from fhir_server.search import order
from fhir_server.search.predicates import (
    COMPARISONS,
    AllOf,
    AnyOf,
    HasKey,
    HasTerm,
    InDates,
    InNumbers,
    InStrings,
    Not,
    PointedFrom,
    PointsTo,
    Predicate,
    TextMode,
    Updated,
)
from fhir_server.search.query import Query
from fhir_server.search.types.date import moment
from fhir_server.search.writer import Writer

_COLUMNS = "r.key, r.type, r.id, r.version, r.last_updated, r.method, r.content, r.blob"
_PAGE = (
    "SELECT q.* FROM (SELECT " + _COLUMNS + "{keys} FROM resource r WHERE {where}) q"
    " WHERE {after} ORDER BY {order} LIMIT {limit}"
)
_COUNT = "SELECT count(*) FROM resource r WHERE {where}"
_ORDERED = (
    "EXISTS (SELECT 1 FROM {table} i WHERE i.key = {row}.key AND i.param = {param} AND {holds})"
)
# Reference terms are key # parameter, so the keys found become terms without another look-up.
_POINTS_TO = (
    "{row}.terms && ARRAY(SELECT {inner}.key # {reference}::bigint"
    " FROM resource {inner} WHERE {where})"
)
_POINTED_FROM = (
    "{row}.key IN (SELECT l.target FROM resource {inner},"
    " unnest({inner}.ref_params, {inner}.ref_keys) AS l(param, target)"
    " WHERE {where} AND l.param = {param})"
)

# What stands before the value, the operator, what stands behind; the column has collation "C".
_TEXT_HOLDS: Mapping[TextMode, tuple[str, str, str]] = MappingProxyType(
    {
        "begins": ("", "LIKE", "%"),
        "contains": ("%", "LIKE", "%"),
        "ends": ("%", "LIKE", ""),
        "equals": ("", "=", ""),
        "gt": ("", ">", ""),
        "lt": ("", "<", ""),
        "ge": ("", ">=", ""),
        "le": ("", "<=", ""),
    }
)

_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Statement:
    """Text and parameters for psycopg2's execute."""

    text: str
    parameters: Mapping[str, object]


def page(query: Query, after: Sequence[object] | None = None) -> Statement:
    """Select one page and one row more, which tells that another page follows.

    Columns: key, type, id, version, last_updated, method, content, blob, then s0, s1, ... one for each sort key.
    after: (s0, s1, ..., key) of the last row of the page before.
    """
    writer = Writer()
    keys = order.expressions(query.sort, writer)
    text = _PAGE.format(
        keys="".join(f", {key} AS s{position}" for position, key in enumerate(keys)),
        where=_matching(query, writer),
        after="true" if after is None else order.after(query.sort, after, writer),
        order=order.order_by(query.sort),
        limit=writer.bind(query.count + 1),
    )
    return Statement(text, writer.parameters)


def count(query: Query) -> Statement:
    """Select the number of all matches."""
    writer = Writer()
    return Statement(_COUNT.format(where=_matching(query, writer)), writer.parameters)


def _matching(query: Query, writer: Writer) -> str:
    predicates = tuple(condition.predicate for condition in query.conditions)
    return _of_type(query.types, predicates, "r", writer)


def _of_type(
    types: Sequence[str], predicates: Sequence[Predicate], row: str, writer: Writer
) -> str:
    kind = f"{row}.type = ANY({writer.bind(list(types))}::text[])"
    return " AND ".join([kind, f"{row}.content IS NOT NULL", *_all(predicates, row, writer)])


def _all(predicates: Sequence[Predicate], row: str, writer: Writer) -> list[str]:
    """Join the plain terms into one containment, which the index answers in one scan."""
    terms = [each.term for each in predicates if isinstance(each, HasTerm)]
    others = [_sql(each, row, writer) for each in predicates if not isinstance(each, HasTerm)]
    return ([f"{row}.terms @> {writer.bind(terms)}::bigint[]"] if terms else []) + others


@singledispatch
def _sql(predicate: object, row: str, writer: Writer) -> str:
    raise NotImplementedError(type(predicate).__name__)


@_sql.register
def _(predicate: HasTerm, row: str, writer: Writer) -> str:
    return f"{row}.terms @> {writer.bind([predicate.term])}::bigint[]"


@_sql.register
def _(predicate: HasKey, row: str, writer: Writer) -> str:
    return f"{row}.key = {writer.bind(predicate.key)}::bigint"


@_sql.register
def _(predicate: Not, row: str, writer: Writer) -> str:
    return f"NOT ({_sql(predicate.predicate, row, writer)})"


@_sql.register
def _(predicate: AllOf, row: str, writer: Writer) -> str:
    return "(" + " AND ".join(_all(predicate.predicates, row, writer)) + ")"


@_sql.register
def _(predicate: AnyOf, row: str, writer: Writer) -> str:
    """Join the plain terms into one overlap, and the plain keys into one list."""
    listed = predicate.predicates
    terms = [each.term for each in listed if isinstance(each, HasTerm)]
    keys = [each.key for each in listed if isinstance(each, HasKey)]
    branches = [
        _sql(each, row, writer) for each in listed if not isinstance(each, HasTerm | HasKey)
    ]
    if terms:
        branches.append(f"{row}.terms && {writer.bind(terms)}::bigint[]")
    if keys:
        branches.append(f"{row}.key = ANY({writer.bind(keys)}::bigint[])")
    return "(" + " OR ".join(branches) + ")"


@_sql.register
def _(predicate: InDates, row: str, writer: Writer) -> str:
    holds = _compared(predicate.comparison, predicate.low, predicate.high, "bigint", writer)
    param = writer.bind(predicate.param)
    return _ORDERED.format(table="date_index", row=row, param=param, holds=holds)


@_sql.register
def _(predicate: InNumbers, row: str, writer: Writer) -> str:
    holds = _compared(predicate.comparison, predicate.low, predicate.high, "numeric", writer)
    if predicate.system_unit:
        holds += f" AND i.system_unit = {writer.bind(predicate.system_unit)}::bigint"
    if predicate.unit:
        holds += f" AND i.unit = {writer.bind(predicate.unit)}::bigint"
    param = writer.bind(predicate.param)
    return _ORDERED.format(table="number_index", row=row, param=param, holds=holds)


def _compared(name: str, low: object, high: object, cast: str, writer: Writer) -> str:
    return COMPARISONS[name].sql.format(
        first="i.low",
        last="i.high",
        low=f"{writer.bind(low)}::{cast}",
        high=f"{writer.bind(high)}::{cast}",
    )


@_sql.register
def _(predicate: InStrings, row: str, writer: Writer) -> str:
    before, operator, behind = _TEXT_HOLDS[predicate.mode]
    value = predicate.value
    if operator == "LIKE":
        value = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    holds = f"i.value {operator} {writer.bind(before + value + behind)}::text"
    param = writer.bind(predicate.param)
    return _ORDERED.format(table="string_index", row=row, param=param, holds=holds)


@_sql.register
def _(predicate: Updated, row: str, writer: Writer) -> str:
    return COMPARISONS[predicate.comparison].sql.format(
        first=f"{row}.last_updated",
        last=f"{row}.last_updated",
        low=f"{writer.bind(_moment(predicate.low))}::timestamptz",
        high=f"{writer.bind(_moment(predicate.high))}::timestamptz",
    )


def _moment(microseconds: int) -> datetime:
    """Return the time, or the nearest that both Python and PostgreSQL can write."""
    try:
        return min(max(moment(microseconds), _FIRST), _LAST)
    except OverflowError:
        return _FIRST if microseconds < 0 else _LAST


@_sql.register
def _(predicate: PointsTo, row: str, writer: Writer) -> str:
    inner = writer.alias()
    where = _of_type((predicate.type,), (predicate.predicate,), inner, writer)
    reference = writer.bind(predicate.reference)
    return _POINTS_TO.format(row=row, inner=inner, reference=reference, where=where)


@_sql.register
def _(predicate: PointedFrom, row: str, writer: Writer) -> str:
    inner = writer.alias()
    where = _of_type((predicate.type,), (predicate.predicate,), inner, writer)
    param = writer.bind(predicate.param)
    return _POINTED_FROM.format(row=row, inner=inner, where=where, param=param)
