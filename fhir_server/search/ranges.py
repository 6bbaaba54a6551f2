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
# Values as short as a day begin near what they end after; the partial index has the longer ones.
_NEAR = MappingProxyType(
    {
        "date_index": "(({i}.low >= {bound} AND NOT {i}.long) OR {i}.long)",
        "number_index": "(({i}.low >= {bound} AND {i}.low = {i}.high) OR {i}.low <> {i}.high)",
    }
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
    holds = held(listed, name, writer)
    if name != "i":
        return f"({holds})"
    return SOME.format(table=TABLES[type(listed[0])], row=row, holds=holds)


def _name(listed: Sequence[InDates | InNumbers], row: str, writer: Writer) -> str:
    """Return the name of the row asked of: a date that the result is sorted by is joined already."""
    first = listed[0]
    return writer.joined.get(first.param, "i") if first.single and row == "r" else "i"


def held(listed: Sequence[InDates | InNumbers], name: str, writer: Writer) -> str:
    """Write what a row of an ordered table has to fulfil."""
    first = listed[0]
    table = TABLES[type(first)]
    holds = [f"{name}.param = {writer.bind(first.param)}::bigint"]
    holds += [_compared(each, name, writer) for each in listed]
    for each in listed:
        if each.comparison in _BOUND_BELOW:
            bound = each.low - DAY if isinstance(each, InDates) else each.low
            cast = "bigint" if isinstance(each, InDates) else "numeric"
            written = f"{writer.bind(max(bound, EARLIEST) if cast == 'bigint' else bound)}::{cast}"
            holds.append(_NEAR[table].format(i=name, bound=written))
    if isinstance(first, InNumbers):
        holds += _unit(first, writer)
    return " AND ".join(holds)


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
