"""One condition over several resource types, for searches of the whole system or a compartment.

https://hl7.org/fhir/R4/search.html#3.1.1.3.2. Terms and parameters belong to a type, so the
condition is any of what it means for each.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    Not,
    OfType,
    Predicate,
    any_of,
)


def across(types: Sequence[str], predicates: Sequence[Predicate]) -> Predicate:
    """Return the predicate that holds when the one of the resource's own type does."""
    distinct = dict.fromkeys(predicates)
    if len(distinct) == 1:
        return predicates[0]
    if all(isinstance(each, Not) for each in distinct):
        return Not(any_of(*(each.predicate for each in distinct if isinstance(each, Not))))
    if any(_negates(each) for each in distinct):
        # What another type lacks must not count for this one.
        own = zip(types, predicates, strict=True)
        return AnyOf(tuple(AllOf((OfType(name), each)) for name, each in own))
    return any_of(*distinct)


def _negates(predicate: Predicate) -> bool:
    match predicate:
        case Not():
            return True
        case AnyOf() | AllOf():
            return any(_negates(each) for each in predicate.predicates)
    return False
