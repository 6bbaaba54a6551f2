"""One resource's entry in the index: terms for equality, rows for what has an order.

https://hl7.org/fhir/R4/search.html. SQL and `match` read the same entry, so cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from fhir_server.codec import Resource
from fhir_server.search.extract import extract, plan
from fhir_server.search.fields import own_compartment
from fhir_server.search.references import locate
from fhir_server.search.rows import Rows
from fhir_server.search.term import COMPARTMENT, resource_key, text_term
from fhir_server.search.types.date import DAY, span

INDEX_FORMAT = 5
"""Goes up when `entry` makes something else of the same resource: all is indexed anew then."""


class DateRow(NamedTuple):
    """A date in the index; the same columns as the table date_index."""

    param: int
    low: int
    """First microsecond since 1970 UTC."""
    high: int
    """Last microsecond."""
    least: bool
    """No other value of the resource and parameter begins earlier: the ascending sort value."""
    most: bool
    """None begins later: the descending sort value."""
    long: bool
    """Longer than a day: then `low` says little about `high`."""


class NumberRow(NamedTuple):
    """A number or quantity in the index; the same columns as the table number_index."""

    param: int
    low: Decimal
    high: Decimal
    system_unit: int
    """Hash of system and code; 0 when none."""
    unit: int
    """Hash of code or unit text; 0 when none."""
    least: bool
    most: bool


class StringRow(NamedTuple):
    """A normalised string in the index; the same columns as the table string_index."""

    param: int
    value: str
    least: bool
    most: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What a resource is found by."""

    type: str
    key: int
    """Hash of "Type/id"."""
    updated: tuple[int, int] | None
    """meta.lastUpdated as a span of microseconds; the column last_updated is what SQL searches."""
    terms: list[int]
    """Sorted, unique."""
    references: list[tuple[int, int]]
    """Parameter and target key of each local literal reference that a parameter indexes."""
    dates: list[DateRow]
    numbers: list[NumberRow]
    strings: list[StringRow]
    texts: list[tuple[int, str]]
    """Parameter and normalised text of what `:text` finds."""


NO_ENTRY = Entry("", 0, None, terms=[], references=[], dates=[], numbers=[], strings=[], texts=[])
"""Of a deleted resource: nothing finds it."""


def entry(resource: Resource, references: Iterable[str] = (), base_url: str = "") -> Entry:
    """Index a resource that is valid R4; KeyError when its type is none.

    references: every literal reference in the text, in any element; local ones become terms.
    base_url: our own address, no final slash; references below it count as local.
    """
    resource_type: str = resource["resourceType"]
    rows = Rows(resource, base_url)
    extract(rows, plan(resource_type))
    key = resource_key(f"{resource_type}/{resource.get('id', '')}")
    if own_compartment(resource_type):
        rows.terms.append(COMPARTMENT ^ key)
    for literal in references:
        located = locate(literal, base_url)
        if located.local:
            rows.terms.append(located.key)
    texts = list(dict.fromkeys(rows.texts))
    rows.terms += [text_term(param, value) for param, value in texts]
    return Entry(
        type=resource_type,
        key=key,
        updated=span(resource.get("meta", {}).get("lastUpdated", "")),
        terms=sorted(set(rows.terms)),
        references=rows.references,
        dates=[
            DateRow(*row, *ends, row[2] - row[1] > DAY)
            for row, ends in zip(rows.dates, _ends(rows.dates), strict=True)
        ],
        numbers=[
            NumberRow(*row, *ends)
            for row, ends in zip(rows.numbers, _ends(rows.numbers), strict=True)
        ],
        strings=[
            StringRow(*row, *ends)
            for row, ends in zip(rows.strings, _ends(rows.strings), strict=True)
        ],
        texts=texts,
    )


_ALONE = (True, True)


def _ends(rows: Sequence[tuple[Any, ...]]) -> list[tuple[bool, bool]]:
    """Tell of each row whether it is its parameter's least and whether its greatest."""
    if len({row[0] for row in rows}) == len(rows):
        return [_ALONE] * len(rows)
    least: dict[int, int] = {}
    most: dict[int, int] = {}
    for position, row in enumerate(rows):
        if row[1] < rows[least.setdefault(row[0], position)][1]:
            least[row[0]] = position
        if row[1] > rows[most.setdefault(row[0], position)][1]:
            most[row[0]] = position
    return [
        (least[row[0]] == position, most[row[0]] == position) for position, row in enumerate(rows)
    ]
