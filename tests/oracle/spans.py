"""Ranges of values and what the prefixes say of two of them, https://hl7.org/fhir/R4/search.html#prefix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import inf

Bound = Fraction | int | float
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True, slots=True)
class Span:
    """All from first to last; `open` leaves out the last itself."""

    first: Bound
    last: Bound
    open: bool = False


EVERYTHING = Span(-inf, inf)


def holds(prefix: str, value: Span, sought: Span) -> bool:
    """Tell whether a resource's value is as the prefix wants it, compared with what was sought."""
    return _RULES[prefix](value, sought)


def _equal(value: Span, sought: Span) -> bool:
    ends = value.last < sought.last if sought.open else value.last <= sought.last
    return sought.first <= value.first and ends


def _overlaps(value: Span, sought: Span) -> bool:
    return value.first <= sought.last and value.last >= sought.first


_RULES: dict[str, Callable[[Span, Span], bool]] = {
    "eq": _equal,
    "ne": lambda value, sought: not _equal(value, sought),
    "gt": lambda value, sought: value.last > sought.last,
    "lt": lambda value, sought: value.first < sought.first,
    "ge": lambda value, sought: value.last > sought.last or _equal(value, sought),
    "le": lambda value, sought: value.first < sought.first or _equal(value, sought),
    "sa": lambda value, sought: value.first > sought.last,
    "eb": lambda value, sought: value.last < sought.first,
    "ap": _overlaps,
}


def prefixed(text: str) -> tuple[str, str]:
    """Part the prefix, eq when there is none, from the value."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
