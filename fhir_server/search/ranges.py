"""Conditions on a row of an ordered table that holds a range: date_index and number_index.

https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fhir_server.search.predicates import COMPARISONS, InDates, InNumbers
from fhir_server.search.types.date import DAY, EARLIEST
from fhir_server.search.writer import Writer

SOME = "EXISTS (SELECT 1 FROM {table} i WHERE i.key = {row}.key AND {holds})"
# Values as short as a day begin near what they end after; a partial index has the longer ones.
_FAR = MappingProxyType(
    {"date_index": "{i}.long", "number_index": "({i}.low <> {i}.high)"},
)
# Of the few that have a term: the planner takes ranges for rarer than they are, and would begin there.
_PROBES = "(SELECT true FROM {table} i WHERE i.key = {row}.key AND {holds} LIMIT 1) IS NOT NULL"
# Where nothing else narrows the search, both kinds are read in their indexes' own order.
_LEADS = (
    "{row}.key IN (SELECT i.key FROM {table} i WHERE {near} AND NOT {is_far}"
    " UNION ALL SELECT i.key FROM {table} i WHERE {far} AND {is_far})"
)
TABLES: Mapping[type, str] = MappingProxyType({InDates: "date_index", InNumbers: "number_index"})


def measure(predicate: InDates | InNumbers) -> object:
    """Return what two conditions have to share to speak of the same row of an ordered table."""
    if isinstance(predicate, InDates):
        return predicate.param
    return (predicate.param, predicate.system_unit, predicate.unit)


def window(listed: Sequence[InDates | InNumbers], row: str, writer: Writer) -> str:
    """Write conditions on one row of an ordered table."""
    name = _name(listed, row, writer)
    if name != "i":
        return f"({held(listed, name, writer)})"
    table = TABLES[type(listed[0])]
    if row == "r" and writer.probes:
        return _PROBES.format(table=table, row=row, holds=_plain(listed, name, writer))
    leads = row == "r" and writer.leads
    if not leads or not any(each.comparison in _BOUND_BELOW for each in listed):
        return SOME.format(table=table, row=row, holds=held(listed, name, writer))
    far = _plain(listed, name, writer)
    near = " AND ".join([far, *(f"i.low >= {bound}" for bound in _bounds(listed, writer))])
    is_far = _FAR[table].format(i=name)
    return _LEADS.format(table=table, row=row, near=near, far=far, is_far=is_far)


def _name(listed: Sequence[InDates | InNumbers], row: str, writer: Writer) -> str:
    """Return the name of the row asked of: a date that the result is sorted by is joined already."""
    first = listed[0]
    return writer.joined.get(first.param, "i") if first.single and row == "r" else "i"


def held(listed: Sequence[InDates | InNumbers], name: str, writer: Writer) -> str:
    """Write what a row of an ordered table has to fulfil."""
    far = _FAR[TABLES[type(listed[0])]].format(i=name)
    near = [
        f"(({name}.low >= {bound} AND NOT {far}) OR {far})" for bound in _bounds(listed, writer)
    ]
    return " AND ".join([_plain(listed, name, writer), *near])


def _plain(listed: Sequence[InDates | InNumbers], name: str, writer: Writer) -> str:
    first = listed[0]
    holds = [f"{name}.param = {writer.bind(first.param)}::bigint"]
    holds += [_compared(each, name, writer) for each in listed]
    if isinstance(first, InNumbers):
        holds += _unit(first, writer)
    return " AND ".join(holds)


def _bounds(listed: Sequence[InDates | InNumbers], writer: Writer) -> list[str]:
    """Return where a value that is not far begins at least, where no comparison says it itself."""
    return [
        f"{writer.bind(max(each.low - DAY, EARLIEST))}::bigint"
        if isinstance(each, InDates)
        else f"{writer.bind(each.low)}::numeric"
        for each in listed
        if each.comparison in _BOUND_BELOW
    ]


# Comparisons that say from where on a value's last point lies, but nothing of its first.
_BOUND_BELOW = frozenset({"gt", "ge", "ap", "co"})


def _unit(predicate: InNumbers, writer: Writer) -> list[str]:
    stated = (("system_unit", predicate.system_unit), ("unit", predicate.unit))
    return [f"i.{name} = {writer.bind(value)}::bigint" for name, value in stated if value]


def _compared(predicate: InDates | InNumbers, name: str, writer: Writer) -> str:
    cast = "bigint" if isinstance(predicate, InDates) else "numeric"
    return COMPARISONS[predicate.comparison].sql.format(
        first=f"{name}.low",
        last=f"{name}.high",
        low=f"{writer.bind(predicate.low)}::{cast}",
        high=f"{writer.bind(predicate.high)}::{cast}",
    )
