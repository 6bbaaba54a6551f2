"""One resource's entry in the index: terms for equality, rows for what has an order.

https://hl7.org/fhir/R4/search.html. SQL and `match` read the same entry, so cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from fhir_server.codec import Resource
from fhir_server.search.extract import extract, plan
from fhir_server.search.fields import own_compartment
from fhir_server.search.references import locate
from fhir_server.search.rows import Rows
from fhir_server.search.term import COMPARTMENT, resource_key
from fhir_server.search.types.date import span


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
    dates: list[tuple[int, int, int]]
    """Parameter, first and last microsecond since 1970 UTC."""
    numbers: list[tuple[int, Decimal, Decimal, int, int]]
    """Parameter, low, high, hash of system and code, hash of code or unit text; 0 when none."""
    strings: list[tuple[int, str]]
    """Parameter and normalised text."""


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
    return Entry(
        type=resource_type,
        key=key,
        updated=span(resource.get("meta", {}).get("lastUpdated", "")),
        terms=sorted(set(rows.terms)),
        references=rows.references,
        dates=rows.dates,
        numbers=rows.numbers,
        strings=rows.strings,
    )
