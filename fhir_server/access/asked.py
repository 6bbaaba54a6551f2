"""What a search says by itself of whose record it is, so that rights need not be asked again for each match."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TypeVar

from fhir_server.search import term
from fhir_server.search.fields import fields
from fhir_server.search.narrow import parts
from fhir_server.search.paths import Filter
from fhir_server.search.predicates import AnyOf, HasKey, HasTerm, Predicate
from fhir_server.search.query import Query

Wanted = TypeVar("Wanted", HasTerm, HasKey)


def wanted(query: Query, kind: type[Wanted]) -> list[Wanted]:
    """Return the predicates of the kind that whatever is found fulfils."""
    listed = (part for each in query.conditions for part in parts(each.predicate))
    return [each for each in listed if isinstance(each, kind)]


def terms_of(query: Query) -> set[int]:
    return {each.term for each in wanted(query, HasTerm)}


def is_asked(held: Predicate, terms: Collection[int]) -> bool:
    """Tell whether whatever has the terms fulfils the predicate."""
    choices = held.predicates if isinstance(held, AnyOf) else (held,)
    return any(isinstance(each, HasTerm) and each.term in terms for each in choices)


_OF_PATIENTS = frozenset({Filter("target", "Patient")})


@lru_cache(maxsize=2**8)
def entering(resource_type: str) -> tuple[int, ...]:
    """Return what the terms begin with of parameters by which the type enters a patient's compartment.

    `patient` is mostly none of them, but looks where one of them does.
    """
    references = [each for each in fields(resource_type).values() if each.type == "reference"]
    members = [each for each in references if "Patient" in each.compartments]
    inside = {
        path.names
        for each in members
        for path in each.paths
        if _OF_PATIENTS.issuperset(path.filters)
    }
    members += [
        each for each in references if each.paths and inside.issuperset(p.names for p in each.paths)
    ]
    return (term.COMPARTMENT, *(term.term(each.prefix) for each in members))
