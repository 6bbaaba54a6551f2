"""Compile a Query to SQL over the resource table and the ordered tables.

https://hl7.org/fhir/R4/search.html. The text is built of constants and placeholders only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from types import MappingProxyType

from fhir_server.search import linking, order, pairs, patterns, ranges
from fhir_server.search.entry import Entry
from fhir_server.search.narrow import is_typed, narrows, parts
from fhir_server.search.order import Place
from fhir_server.search.predicates import (
    COMPARISONS,
    AllOf,
    AnyOf,
    HasKey,
    HasTerm,
    InDates,
    InNumbers,
    InPairs,
    InStrings,
    InTexts,
    Link,
    Near,
    Not,
    OfType,
    OfTypes,
    PointedFrom,
    PointsTo,
    Predicate,
    SharesName,
    Unchanged,
    Updated,
)
from fhir_server.search.query import Contained, Query
from fhir_server.search.types.date import storable
from fhir_server.search.writer import Writer

COLUMNS = "r.key, r.type, r.id, r.version, r.last_updated, r.method, r.content, r.blob"
_TABLE_COLUMNS = (
    "key, type, id, version, last_updated, method, content, blob, txid, terms, ref_params, ref_keys"
)
# Where `resource r` is of; with contained ones each row also says in whose place it may stand.
_SOURCES: Mapping[Contained, str] = MappingProxyType(
    {
        "false": "resource",
        "true": "contained",
        "both": f"(SELECT {_TABLE_COLUMNS}, key AS container FROM resource"
        f" UNION ALL SELECT {_TABLE_COLUMNS}, container FROM contained)",
    }
)
# Of several matches with one container the one of the least key stands for it, on whatever page.
_ONCE = "NOT EXISTS (SELECT FROM {source} c WHERE c.container = r.container AND c.key < r.key AND {where})"
_PAGE = (
    "SELECT {columns}, pg_current_snapshot()::text{links}{values} FROM {source} r{joins}"
    " WHERE {where} ORDER BY {order} LIMIT {limit}"
)
_WINDOW = "(SELECT * FROM resource r WHERE {where} ORDER BY {order} LIMIT {window})"
# One walk along the index of each type by time, in place of a sort of all.
_EACH_TYPE = (
    "unnest({types}::text[]) AS t(name) CROSS JOIN LATERAL (SELECT * FROM resource r"
    " WHERE r.type = t.name AND {where} ORDER BY {order} LIMIT {limit})"
)
_ROWS = "SELECT {what} FROM {source} r WHERE {where}"
_UNCHANGED = "pg_visible_in_snapshot({row}.txid, {snapshot}::pg_snapshot)"
_ORDERED = ranges.SOME.replace("{holds}", "i.param = {param}::bigint AND {holds}")
_EXISTS = "{row}.content IS NOT NULL"
_TEXTS = (
    "{row}.terms && ARRAY(SELECT t.term FROM text_value t"
    " WHERE t.param = {param}::bigint AND t.value LIKE {pattern})"
)
ANY_TYPE = ("",)
KEYS = "keys"
"""Name of the parameter of `among`."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Text and parameters for psycopg2's execute."""

    text: str
    parameters: Mapping[str, object]


def page(
    query: Query,
    phase: int = 0,
    place: Place | None = None,
    *,
    limit: int,
    snapshot: str = "",
    window: int = 0,
    many: frozenset[int] = frozenset(),
) -> Statement:
    """Select rows of one phase of the order, from a place on (or back from it).

    Columns: those of a version, the snapshot, with includes ref_params and ref_keys, then one for each
    sort key of the phase. snapshot: only rows that have not changed since it, as pg_snapshot's text.
    window: look at so many rows of the type only, by time; not with contained resources.
    many: terms that most have, so that no search should begin with them.
    """
    writer = Writer(many=many)
    backward = place is not None and place.backward
    written = order.write(query, phase, place, backward, writer)
    conditions = [*_matching(query, writer), *written.conditions]
    if snapshot:
        conditions.append(_sql(Unchanged(snapshot), "r", writer))
    text = _PAGE.format(
        source=_source(query, window, written, conditions, limit, writer),
        columns=COLUMNS,
        links=", r.ref_params, r.ref_keys" if query.includes else "",
        values="".join(f", {column}" for column in written.columns),
        joins=written.joins,
        where=" AND ".join(conditions),
        order=written.order,
        limit=writer.bind(limit),
    )
    return Statement(text, writer.parameters)


def _source(
    query: Query,
    window: int,
    written: order.Written,
    conditions: Sequence[str],
    limit: int,
    writer: Writer,
) -> str:
    """Return where the page's rows come from: all resources, or those that can be on it."""
    if window:
        held = [*_of_type(query.types, (), "r", writer), *written.conditions]
        return _WINDOW.format(
            where=" AND ".join(held), order=written.order, window=writer.bind(window)
        )
    if query.contained != "false" or not _by_time_alone(query):
        return _SOURCES[query.contained]
    return _EACH_TYPE.format(
        types=writer.bind(list(query.types)),
        where=" AND ".join(conditions),
        order=written.order,
        limit=writer.bind(limit),
    )


def _by_time_alone(query: Query) -> bool:
    """Tell whether several types are searched by nothing but time, in the order of time."""
    by_time = [sort.type for sort in order.keys(query)[:1]] == ["updated"]
    conditions = (condition.predicate for condition in query.conditions)
    return (
        by_time and len(query.types) > 1 and all(isinstance(each, Updated) for each in conditions)
    )


def linked(predicate: Link, entry: Entry) -> Statement:
    """Select whether a chain or _has holds of the resource with this entry."""
    writer = Writer(few=True)
    row = f"(SELECT {writer.bind(entry.key)}::bigint, {writer.bind(entry.terms)}::bigint[])"
    text = f"SELECT {_sql(predicate, 'r', writer)} FROM {row} AS r(key, terms)"
    return Statement(text, writer.parameters)


def count(query: Query) -> Statement:
    """Select the number of all matches."""
    return _rows(query, "count(*)")


def among(query: Query, what: str = "r.key", *, few: bool) -> Statement:
    """Select what there is of those resources that match among those whose keys are given as KEYS."""
    writer = Writer({KEYS: ()}, few=few)
    where = [f"r.key = ANY(%({KEYS})s::bigint[])", *_matching(query, writer)]
    text = _ROWS.format(what=what, source="resource", where=" AND ".join(where))
    return Statement(text, writer.parameters)


def keys(query: Query) -> Statement:
    """Select the keys of all matches."""
    return _rows(query, "r.key")


def matches(query: Query) -> Statement:
    """Select all matches, without order: for the planner's estimate."""
    return _rows(query, "1")


def _rows(query: Query, what: str) -> Statement:
    writer = Writer()
    where = " AND ".join(_matching(query, writer))
    text = _ROWS.format(what=what, source=_SOURCES[query.contained], where=where)
    return Statement(text, writer.parameters)


def _matching(query: Query, writer: Writer) -> list[str]:
    predicates = tuple(condition.predicate for condition in query.conditions)
    writer.leads = not any(narrows(each, writer.many) for each in predicates)
    # Without statistics nothing is known of what few have.
    terms = [each.term for each in predicates if isinstance(each, HasTerm)]
    writer.probes = bool(writer.many) and any(term not in writer.many for term in terms)
    found = _of_type(query.types, predicates, "r", writer)
    if query.whole:
        where = " AND ".join(_of_type(query.types, predicates, "c", writer))
        found.append(_ONCE.format(source=_SOURCES[query.contained], where=where))
    return found


def _of_type(
    types: Sequence[str], predicates: Sequence[Predicate], row: str, writer: Writer
) -> list[str]:
    """Return the conditions; terms of a parameter begin with its type, so need no other word of it."""
    found = _all(predicates, row, writer)
    if any(is_typed(each) for each in predicates):
        return found
    if types == ANY_TYPE:
        return [_EXISTS.format(row=row), *found]
    if len(types) == 1:
        kind = f"{row}.type = {writer.bind(types[0])}"
    else:
        kind = f"{row}.type = ANY({writer.bind(list(types))}::text[])"
    # A deletion has no terms.
    known = any(isinstance(each, HasTerm) for each in predicates)
    return [kind, *([] if known else [_EXISTS.format(row=row)]), *found]


def _all(predicates: Sequence[Predicate], row: str, writer: Writer) -> list[str]:
    """Join what one look into an index answers: plain terms, and the bounds of one value."""
    terms = [each.term for each in predicates if isinstance(each, HasTerm)]
    windows: dict[object, list[InDates | InNumbers]] = {}
    others: list[str] = []
    for each in predicates:
        if isinstance(each, InDates | InNumbers) and each.single:
            windows.setdefault(ranges.measure(each), []).append(each)
        elif not isinstance(each, HasTerm):
            others.append(_sql(each, row, writer))
    held = [f"{row}.terms @> {writer.bind(terms)}::bigint[]"] if terms else []
    return [*held, *(ranges.window(each, row, writer) for each in windows.values()), *others]


# Of which several in one AnyOf become one condition.
_JOINED = (HasTerm, HasKey, InDates, InNumbers)


@singledispatch
def _sql(predicate: object, row: str, writer: Writer) -> str:
    raise NotImplementedError(type(predicate).__name__)


@_sql.register
def _(predicate: HasTerm, row: str, writer: Writer) -> str:
    return f"{row}.terms @> {writer.bind([predicate.term])}::bigint[]"


@_sql.register
def _(predicate: OfType, row: str, writer: Writer) -> str:
    return f"{row}.type = {writer.bind(predicate.type)}"


@_sql.register
def _(predicate: OfTypes, row: str, writer: Writer) -> str:
    return f"{row}.type = ANY({writer.bind(list(predicate.types))}::text[])"


@_sql.register
def _(predicate: HasKey, row: str, writer: Writer) -> str:
    return f"{row}.key = {writer.bind(predicate.key)}::bigint"


@_sql.register
def _(predicate: Unchanged, row: str, writer: Writer) -> str:
    return _UNCHANGED.format(row=row, snapshot=writer.bind(predicate.snapshot))


@_sql.register
def _(predicate: Not, row: str, writer: Writer) -> str:
    return f"NOT ({_sql(predicate.predicate, row, writer)})"


@_sql.register
def _(predicate: AllOf, row: str, writer: Writer) -> str:
    return "(" + " AND ".join(_all(predicate.predicates, row, writer)) + ")"


@_sql.register
def _(predicate: AnyOf, row: str, writer: Writer) -> str:
    """Join the plain terms into one overlap, the plain keys into one list, ranges into one look."""
    listed = predicate.predicates
    terms = [each.term for each in listed if isinstance(each, HasTerm)]
    keys = [each.key for each in listed if isinstance(each, HasKey)]
    branches = [_sql(each, row, writer) for each in listed if not isinstance(each, _JOINED)]
    for kind, table in ranges.TABLES.items():
        windows = [
            ranges.held([each], "i", writer)
            for each in listed
            if isinstance(each, InDates | InNumbers) and type(each) is kind
        ]
        if windows:
            holds = "(" + " OR ".join(f"({each})" for each in windows) + ")"
            branches.append(ranges.SOME.format(table=table, row=row, holds=holds))
    if terms:
        branches.append(f"{row}.terms && {writer.bind(terms)}::bigint[]")
    if keys:
        branches.append(f"{row}.key = ANY({writer.bind(keys)}::bigint[])")
    return "(" + " OR ".join(branches) + ")"


@_sql.register
def _(predicate: InDates, row: str, writer: Writer) -> str:
    return ranges.window([predicate], row, writer)


@_sql.register
def _(predicate: InNumbers, row: str, writer: Writer) -> str:
    return ranges.window([predicate], row, writer)


@_sql.register
def _(predicate: InPairs, row: str, writer: Writer) -> str:
    param, holds = writer.bind(predicate.param), pairs.lies(predicate, writer)
    return _ORDERED.format(table="number_index", row=row, param=param, holds=holds)


@_sql.register
def _(predicate: Near, row: str, writer: Writer) -> str:
    param, holds = writer.bind(predicate.param), pairs.is_near(predicate, writer)
    return _ORDERED.format(table="number_index", row=row, param=param, holds=holds)


@_sql.register
def _(predicate: InStrings, row: str, writer: Writer) -> str:
    holds = patterns.lies(predicate, writer)
    param = writer.bind(predicate.param)
    return _ORDERED.format(table="string_index", row=row, param=param, holds=holds)


@_sql.register
def _(predicate: InTexts, row: str, writer: Writer) -> str:
    pattern = writer.bind(f"{patterns.literal(predicate.value)}%")
    return _TEXTS.format(row=row, param=writer.bind(predicate.param), pattern=pattern)


@_sql.register
def _(predicate: Updated, row: str, writer: Writer) -> str:
    return COMPARISONS[predicate.comparison].sql.format(
        first=f"{row}.last_updated",
        last=f"{row}.last_updated",
        low=f"{writer.bind(storable(predicate.low))}::timestamptz",
        high=f"{writer.bind(storable(predicate.high))}::timestamptz",
    )


@_sql.register
def _(predicate: PointsTo | PointedFrom | SharesName, row: str, writer: Writer) -> str:
    inner = writer.alias()
    held = _of_type((predicate.type,), parts(predicate.predicate), inner, writer)
    return linking.linked(predicate, row, inner, " AND ".join(held), writer)
