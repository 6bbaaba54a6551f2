"""What a predicate alone says of the resources that can fulfil it, for the way SQL is written.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasKey,
    HasTerm,
    InDates,
    InNumbers,
    InPairs,
    InStrings,
    InTexts,
    Near,
    PointedFrom,
    PointsTo,
    Predicate,
    SharesName,
)


def narrows(predicate: Predicate, many: frozenset[int]) -> bool:
    """Tell whether the search begins here rather than in an ordered table."""
    match predicate:
        case HasTerm():
            return predicate.term not in many
        case AnyOf():
            return all(narrows(each, many) for each in predicate.predicates)
        case AllOf():
            return any(narrows(each, many) for each in predicate.predicates)
        case HasKey() | PointsTo() | PointedFrom() | SharesName() | InTexts():
            return True
    return False


def is_typed(predicate: Predicate) -> bool:
    """Tell whether only resources of one type, and no deletion, can fulfil it."""
    match predicate:
        case HasTerm() | PointsTo():
            return predicate.typed
        case InTexts() | InDates() | InNumbers() | InStrings() | InPairs() | Near():
            return True
        case AnyOf() if predicate.predicates:
            return all(is_typed(each) for each in predicate.predicates)
        case AllOf():
            return any(is_typed(each) for each in predicate.predicates)
    return False


def parts(predicate: Predicate) -> tuple[Predicate, ...]:
    """Return the predicates that all have to hold, one or several."""
    return predicate.predicates if isinstance(predicate, AllOf) else (predicate,)
