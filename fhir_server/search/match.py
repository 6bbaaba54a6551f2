"""Decide in memory whether one resource is what a Query means, from the entry that SQL searches.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from bisect import bisect_left

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
    InTexts,
    Not,
    Predicate,
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
        case InTexts():
            return any(
                param == predicate.param and value.startswith(predicate.value)
                for param, value in entry.texts
            )
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


def _in_strings(predicate: InStrings, entry: Entry) -> bool:
    values = [row.value for row in entry.strings if row.param == predicate.param]
    if predicate.anywhere:
        return any(predicate.value in value for value in values)
    return any(value.startswith(predicate.value) for value in values)
