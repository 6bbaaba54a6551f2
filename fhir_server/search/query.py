"""A search as one value: which resources, in what order, with what beside them.

https://hl7.org/fhir/R4/search.html. REST, conditional writes, access rules and subscriptions all
say "which resources" with a Query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhir_server.search.paths import Path
from fhir_server.search.predicates import Predicate

DEFAULT_COUNT = 20
LARGEST_COUNT = 1000

Total = Literal["none", "estimate", "accurate"]
Contained = Literal["false", "true", "both"]
ContainedType = Literal["container", "contained"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One parameter of the request; several conditions are joined by AND, its values by OR."""

    name: str
    """As written, with modifier and chain: "subject:Patient.name"."""
    values: tuple[str, ...]
    """As written, still escaped."""
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of the order."""

    code: str
    type: Literal["id", "updated", "date", "number", "string", "text"]
    """What is compared; quantity counts as number, text is read out of the resource."""
    param: int
    descending: bool
    present: int = 0
    """Term of the resources that have a value; 0 when all have."""
    paths: tuple[Path, ...] = ()
    """Where the text stands; for type text."""


@dataclass(frozen=True, slots=True)
class Include:
    """One _include or _revinclude."""

    source: str
    """Type whose references are followed; "*" for any."""
    code: str
    """Its parameter; "*" for all."""
    target: str
    """Only targets of this type; "" for any."""
    iterate: bool


@dataclass(frozen=True, slots=True)
class Query:
    """Resources of the types that fulfil all conditions."""

    types: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = DEFAULT_COUNT
    """Page size; 0 when only the total is wanted."""
    total: Total = "none"
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    contained: Contained = "false"
    """Whether contained resources are searched: not, only they, or both."""
    contained_type: ContainedType = "container"
    """What stands for a contained resource in the result."""

    @property
    def whole(self) -> bool:
        """Whether containers are the result, each once however much of what it contains matches."""
        return self.contained != "false" and self.contained_type == "container"


def fingerprint(query: Query) -> str:
    """Return what a page link has to agree with: the criteria and the order."""
    keys = ",".join(f"{'-' if each.descending else ''}{each.code}" for each in query.sort)
    within = "" if query.contained == "false" else f"|{query.contained}|{query.contained_type}"
    return f"{normalised(query)}|{keys}{within}"


def normalised(query: Query) -> str:
    """Return the same text for the same criteria in whatever order: the lock of conditional writes.

    https://hl7.org/fhir/R4/http.html#ccreate
    """
    parts = sorted(f"{each.name}={','.join(sorted(each.values))}" for each in query.conditions)
    return f"{','.join(sorted(query.types))}?{'&'.join(parts)}"
