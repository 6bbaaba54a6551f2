"""Chains and _has as an earlier snapshot saw what they lead to, for the later pages of a search.

What has not changed since is decided by the index; what has, by the versions that were current then,
whose keys are put into the condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fhir_server.database import Connection
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasKey,
    HasTerm,
    Link,
    Not,
    PointedFrom,
    PointsTo,
    Predicate,
    SharesName,
    Unchanged,
)
from fhir_server.search.query import Condition, Query
from fhir_server.storage import superseded
from fhir_server.storage.superseded import Superseded


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot of the data, and how to read it."""

    connection: Connection
    snapshot: str
    base_url: str


def as_of(query: Query, moment: Moment) -> Query:
    """Return the query that asks now what it asked in the snapshot, of resources unchanged since."""
    conditions = [
        replace(each, predicate=_then(each.predicate, moment)) for each in query.conditions
    ]
    return replace(query, conditions=tuple(conditions))


def _then(predicate: Predicate, moment: Moment) -> Predicate:
    match predicate:
        case Not():
            return Not(_then(predicate.predicate, moment))
        case AnyOf():
            return AnyOf(tuple(_then(each, moment) for each in predicate.predicates))
        case AllOf():
            return AllOf(tuple(_then(each, moment) for each in predicate.predicates))
        case PointsTo():
            old, still = _parted(predicate, moment)
            keys = [each.version.key for each in old]
            pointing = [HasTerm(predicate.reference ^ key, predicate.typed) for key in keys]
            return _either(replace(predicate, predicate=still), pointing)
        case PointedFrom():
            old, still = _parted(predicate, moment)
            linked = [link for each in old for link in each.entry.references]
            pointed = [HasKey(key) for param, key in linked if param == predicate.param]
            return _either(replace(predicate, predicate=still), pointed)
        case SharesName():
            old, still = _parted(predicate, moment)
            others = {name ^ predicate.difference for each in old for name in each.entry.terms}
            sharing = [HasTerm(each) for each in others]
            return _either(replace(predicate, predicate=still), sharing)
    return predicate


def _parted(predicate: Link, moment: Moment) -> tuple[Sequence[Superseded], Predicate]:
    """Return which changed resources fulfilled the predicate, and what the unchanged ones have to."""
    inner = _then(predicate.predicate, moment)
    query = Query((predicate.type,), (Condition("", (), inner),))
    old = superseded.matching(moment.connection, query, moment.snapshot, moment.base_url)
    return old, AllOf((inner, Unchanged(moment.snapshot)))


def _either(still: Predicate, old: Sequence[Predicate]) -> Predicate:
    """Return the choice as one condition: the order of a result depends on what the top ones are."""
    return AllOf((AnyOf((still, *old)),)) if old else still
