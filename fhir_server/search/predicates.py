"""What a search condition asks of a resource's index entry; SQL and `match` both read these.

Prefixes compare ranges as https://hl7.org/fhir/R4/search.html#prefix says: [low, high] of the
search value with [first, last] of the resource's value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two ranges have to lie; the same in SQL and in Python.

    The SQL bounds `first` wherever that follows from the rest: it leads the index.
    """

    sql: str
    holds: Callable[[Any, Any, Any, Any], bool]
    """Takes first, last of the resource's value, then low, high of the search value."""


COMPARISONS: Mapping[str, Comparison] = MappingProxyType(
    {
        "eq": Comparison(
            "({first} >= {low} AND {first} <= {high} AND {last} <= {high})",
            lambda first, last, low, high: first >= low and last <= high,
        ),
        "ne": Comparison(
            "({first} < {low} OR {last} > {high})",
            lambda first, last, low, high: first < low or last > high,
        ),
        # A number stands for the half-open range of what rounds to it.
        "eq-number": Comparison(
            "({first} >= {low} AND {first} < {high} AND {last} < {high})",
            lambda first, last, low, high: first >= low and last < high,
        ),
        "ne-number": Comparison(
            "({first} < {low} OR {last} >= {high})",
            lambda first, last, low, high: first < low or last >= high,
        ),
        "gt": Comparison("{last} > {high}", lambda _first, last, _low, high: last > high),
        "lt": Comparison("{first} < {low}", lambda first, _last, low, _high: first < low),
        "ge": Comparison(
            "({last} >= {low} AND ({last} > {high} OR {first} >= {low}))",
            lambda first, last, low, high: last >= low and (last > high or first >= low),
        ),
        "le": Comparison(
            "({first} <= {high} AND ({first} < {low} OR {last} <= {high}))",
            lambda first, last, low, high: first <= high and (first < low or last <= high),
        ),
        "sa": Comparison("{first} > {high}", lambda first, _last, _low, high: first > high),
        "eb": Comparison("{last} < {low}", lambda _first, last, low, _high: last < low),
        "ap": Comparison(
            "({first} <= {high} AND {last} >= {low})",
            lambda first, last, low, high: first <= high and last >= low,
        ),
        # No prefix: what `_filter` calls co, https://hl7.org/fhir/R4/search_filter.html#ops.
        "co": Comparison(
            "({first} <= {low} AND {last} >= {high})",
            lambda first, last, low, high: first <= low and last >= high,
        ),
    }
)

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True, slots=True)
class HasTerm:
    """The entry has the term."""

    term: int
    typed: bool = True
    """Whether only resources of one type can have it; not so for compartments."""


@dataclass(frozen=True, slots=True)
class InDates:
    param: int
    comparison: str
    low: int
    high: int
    single: bool = False
    """No resource has two values of the parameter: several conditions speak of the same one."""


@dataclass(frozen=True, slots=True)
class InNumbers:
    param: int
    comparison: str
    low: Decimal
    high: Decimal
    system_unit: int = 0
    """0: whatever the system."""
    unit: int = 0
    """0: whatever the unit."""
    single: bool = False
    """As of InDates."""


TextMode = Literal["begins", "contains", "ends", "equals", "gt", "lt", "ge", "le"]
"""How a string has to lie to that of the search; gt, lt, ge, le go by code points."""


Bounds = tuple[str, Decimal, Decimal]
"""Comparison, low, high."""


@dataclass(frozen=True, slots=True)
class InPairs:
    """Two exact numbers of one element lie so; a row holds the first as low, the second as high."""

    param: int
    first: Bounds
    second: Bounds


@dataclass(frozen=True, slots=True)
class Near:
    """A place is not farther than this, on the great circle; a row holds latitude and longitude."""

    param: int
    latitude: float
    """Degrees, -90 to 90."""
    longitude: float
    """Degrees, -180 to 180."""
    metres: float


@dataclass(frozen=True, slots=True)
class InStrings:
    param: int
    value: str
    """Normalised."""
    mode: TextMode = "begins"


@dataclass(frozen=True, slots=True)
class InTexts:
    """`:text`, or `:below` of _profile and _source: a value's text begins so."""

    param: int
    """Of texts: see `term.text_param`."""
    value: str
    """Normalised."""


@dataclass(frozen=True, slots=True)
class OfType:
    """It is of this resource type."""

    type: str


@dataclass(frozen=True, slots=True)
class OfTypes:
    """It is of one of these resource types."""

    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasKey:
    """It is this resource."""

    key: int


@dataclass(frozen=True, slots=True)
class Updated:
    """meta.lastUpdated, in microseconds."""

    comparison: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Unchanged:
    """It is as it was in a snapshot, PostgreSQL's text of one; for what is current, by SQL only."""

    snapshot: str


@dataclass(frozen=True, slots=True)
class PointsTo:
    """A reference of it leads to a resource that fulfils a predicate."""

    reference: int
    """Term of the parameter, which reference terms are made with."""
    type: str
    """"" for targets of any type."""
    predicate: Predicate
    typed: bool = True
    """As of HasTerm."""


@dataclass(frozen=True, slots=True)
class PointedFrom:
    """A resource of the type that fulfils the predicate points to it by the parameter."""

    type: str
    param: int
    reference: int
    """Term of the parameter, which reference terms are made with."""
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class SharesName:
    """It names a resource of the type that fulfils the predicate by canonical URL, or is named by one."""

    type: str
    difference: int
    """Between its term and that of the other: see `naming`."""
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class Not:
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class AnyOf:
    predicates: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    predicates: tuple[Predicate, ...]


Predicate = (
    HasTerm
    | InDates
    | InNumbers
    | InPairs
    | Near
    | InStrings
    | InTexts
    | HasKey
    | OfType
    | OfTypes
    | Updated
    | Unchanged
    | PointsTo
    | PointedFrom
    | SharesName
    | Not
    | AnyOf
    | AllOf
)


Link = PointsTo | PointedFrom | SharesName
"""What the index entries of several resources decide together."""


def any_of(*predicates: Predicate) -> Predicate:
    """Return the one predicate itself when there is no choice."""
    return predicates[0] if len(predicates) == 1 else AnyOf(predicates)
