"""Decide in memory whether one resource is what a Query means, from the entry that SQL searches.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from operator import contains, eq, ge, gt, le, lt
from types import MappingProxyType

from fhir_server.errors import InvalidParameter
from fhir_server.search.entry import Entry
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
    Predicate,
    TextMode,
    Updated,
)
from fhir_server.search.query import Query


def match(query: Query, resource_entry: Entry) -> bool:
    """Tell whether it fulfils all conditions; InvalidParameter for chains: they need others."""
    return resource_entry.type in query.types and all(
        fulfils(condition.predicate, resource_entry) for condition in query.conditions
    )


def fulfils(predicate: Predicate, entry: Entry) -> bool:
    """Tell whether the entry fulfils the predicate."""
    match predicate:
        case HasTerm():
            return _has(entry.terms, predicate.term)
        case HasKey():
            return entry.key == predicate.key
        case Not():
            return not fulfils(predicate.predicate, entry)
        case AnyOf():
            return any(fulfils(each, entry) for each in predicate.predicates)
        case AllOf():
            return all(fulfils(each, entry) for each in predicate.predicates)
        case Updated():
            return _updated(predicate, entry)
        case InDates():
            return _in_dates(predicate, entry)
        case InNumbers():
            return _in_numbers(predicate, entry)
        case InStrings():
            return _in_strings(predicate, entry)
    raise InvalidParameter("A chain or _has cannot be decided from one resource alone.")


def _has(terms: list[int], term: int) -> bool:
    position = bisect_left(terms, term)
    return position < len(terms) and terms[position] == term


def _updated(predicate: Updated, entry: Entry) -> bool:
    if entry.updated is None:
        return False
    moment = entry.updated[0]
    return COMPARISONS[predicate.comparison].holds(moment, moment, predicate.low, predicate.high)


def _in_dates(predicate: InDates, entry: Entry) -> bool:
    holds = COMPARISONS[predicate.comparison].holds
    return any(
        param == predicate.param and holds(first, last, predicate.low, predicate.high)
        for param, first, last in entry.dates
    )


def _in_numbers(predicate: InNumbers, entry: Entry) -> bool:
    holds = COMPARISONS[predicate.comparison].holds
    return any(
        param == predicate.param
        and holds(first, last, predicate.low, predicate.high)
        and predicate.system_unit in (0, system_unit)
        and predicate.unit in (0, unit)
        for param, first, last, system_unit, unit in entry.numbers
    )


def _in_strings(predicate: InStrings, entry: Entry) -> bool:
    holds = _TEXT_HOLDS[predicate.mode]
    return any(
        param == predicate.param and holds(value, predicate.value) for param, value in entry.strings
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
