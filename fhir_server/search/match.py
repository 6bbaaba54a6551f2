"""Decide in memory whether one resource is what a Query means, from the entry that SQL searches.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import contains, eq, ge, gt, le, lt
from types import MappingProxyType
from typing import Any

from fhir_server.errors import InvalidParameter
from fhir_server.search.entry import Entry
from fhir_server.search.predicates import (
    COMPARISONS,
    AllOf,
    AnyOf,
    Bounds,
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
    TextMode,
    Updated,
)
from fhir_server.search.query import Query
from fhir_server.search.sphere import within

Linked = Callable[[Link, Entry], bool]
"""Decides a chain or _has, which one entry alone cannot."""


def undecidable(_: Link, __: Entry) -> bool:
    raise InvalidParameter("A chain or _has cannot be decided from one resource alone.")


def match(query: Query, resource_entry: Entry, linked: Linked = undecidable) -> bool:
    """Tell whether it fulfils all conditions; InvalidParameter for chains that nothing decides."""
    return resource_entry.type in query.types and all(
        fulfils(condition.predicate, resource_entry, linked) for condition in query.conditions
    )


def fulfils(predicate: Predicate, entry: Entry, linked: Linked = undecidable) -> bool:
    """Tell whether the entry fulfils the predicate."""
    match predicate:
        case Not():
            return not fulfils(predicate.predicate, entry, linked)
        case AnyOf():
            return any(fulfils(each, entry, linked) for each in predicate.predicates)
        case AllOf():
            return all(fulfils(each, entry, linked) for each in predicate.predicates)
        case PointsTo() | PointedFrom() | SharesName():
            return linked(predicate, entry)
    return _DECIDE[type(predicate)](predicate, entry)


def _has(predicate: HasTerm, entry: Entry) -> bool:
    position = bisect_left(entry.terms, predicate.term)
    return position < len(entry.terms) and entry.terms[position] == predicate.term


def _of_type(predicate: OfType, entry: Entry) -> bool:
    return entry.type == predicate.type


def _of_types(predicate: OfTypes, entry: Entry) -> bool:
    return entry.type in predicate.types


def _is(predicate: HasKey, entry: Entry) -> bool:
    return entry.key == predicate.key


def _updated(predicate: Updated, entry: Entry) -> bool:
    if entry.updated is None:
        return False
    moment = entry.updated[0]
    return COMPARISONS[predicate.comparison].holds(moment, moment, predicate.low, predicate.high)


def _in_dates(predicate: InDates, entry: Entry) -> bool:
    holds = COMPARISONS[predicate.comparison].holds
    return any(
        row.param == predicate.param and holds(row.low, row.high, predicate.low, predicate.high)
        for row in entry.dates
    )


def _in_numbers(predicate: InNumbers, entry: Entry) -> bool:
    holds = COMPARISONS[predicate.comparison].holds
    return any(
        row.param == predicate.param
        and holds(row.low, row.high, predicate.low, predicate.high)
        and predicate.system_unit in (0, row.system_unit)
        and predicate.unit in (0, row.unit)
        for row in entry.numbers
    )


def _in_pairs(predicate: InPairs, entry: Entry) -> bool:
    return any(
        row.param == predicate.param
        and _lies(row.low, predicate.first)
        and _lies(row.high, predicate.second)
        for row in entry.numbers
    )


def _lies(number: Decimal, bounds: Bounds) -> bool:
    comparison, low, high = bounds
    return COMPARISONS[comparison].holds(number, number, low, high)


def _near(predicate: Near, entry: Entry) -> bool:
    return any(
        row.param == predicate.param and within(float(row.low), float(row.high), predicate)
        for row in entry.numbers
    )


def _in_strings(predicate: InStrings, entry: Entry) -> bool:
    holds = _TEXT_HOLDS[predicate.mode]
    return any(
        row.param == predicate.param and holds(row.value, predicate.value) for row in entry.strings
    )


def _in_texts(predicate: InTexts, entry: Entry) -> bool:
    return any(
        param == predicate.param and value.startswith(predicate.value)
        for param, value in entry.texts
    )


_DECIDE: Mapping[type, Callable[[Any, Entry], bool]] = MappingProxyType(
    {
        HasTerm: _has,
        HasKey: _is,
        OfType: _of_type,
        OfTypes: _of_types,
        Updated: _updated,
        InDates: _in_dates,
        InNumbers: _in_numbers,
        InPairs: _in_pairs,
        Near: _near,
        InStrings: _in_strings,
        InTexts: _in_texts,
    }
)


# Python compares strings by code points, as PostgreSQL does with collation "C".
_TEXT_HOLDS: Mapping[TextMode, Callable[[str, str], bool]] = MappingProxyType(
    {
        "begins": str.startswith,
        "contains": contains,
        "ends": str.endswith,
        "equals": eq,
        "gt": gt,
        "lt": lt,
        "ge": ge,
        "le": le,
    }
)
