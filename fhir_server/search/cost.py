"""Which searches can be dear, and what would make them cheaper.

https://hl7.org/fhir/R4/search.html#3.1.1.2: a server may refuse what it cannot do in reasonable time.
"""

from __future__ import annotations

from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasKey,
    HasTerm,
    InStrings,
    Not,
    PointedFrom,
    PointsTo,
    Predicate,
    SharesName,
    Updated,
)
from fhir_server.search.query import Query


def may_be_costly(query: Query) -> bool:
    """Tell whether no index narrows it down for sure, so that the planner has to be asked."""
    predicates = [condition.predicate for condition in query.conditions]
    if any(isinstance(each, HasKey) for each in predicates):
        return False
    return (
        any(_reads_much(each) for each in predicates)
        or any(sort.type == "text" for sort in query.sort)
        or (bool(query.sort) and not any(_narrows(each) for each in predicates))
    )


def _narrows(predicate: Predicate) -> bool:
    match predicate:
        case HasTerm() | HasKey():
            return True
        case AnyOf():
            return all(_narrows(each) for each in predicate.predicates)
        case AllOf():
            return any(_narrows(each) for each in predicate.predicates)
    return False


def _reads_much(predicate: Predicate) -> bool:
    """Chains and negations can, and so can what no index begins with."""
    match predicate:
        case PointsTo() | PointedFrom() | SharesName() | Not():
            return True
        case InStrings():
            return predicate.mode not in ("begins", "equals")
        case AnyOf() | AllOf():
            return any(_reads_much(each) for each in predicate.predicates)
        case HasTerm() | HasKey() | Updated():
            return False
    return False


def advice(query: Query) -> str:
    """Return a sentence on what to add or to leave out."""
    names = [each.name for each in query.conditions if _reads_much(each.predicate)]
    listed = ", ".join(dict.fromkeys(names))
    narrow = "Add a condition that few resources fulfil, such as a patient, an identifier or a code"
    if any(sort.type == "text" for sort in query.sort):
        keys = ", ".join(sort.code for sort in query.sort if sort.type == "text")
        return f"{narrow}, or leave out _sort by {keys}, which no index has in order."
    if listed:
        return f"{narrow}, or make {listed} more selective."
    return f"{narrow}, or leave out _sort or _total=accurate."
