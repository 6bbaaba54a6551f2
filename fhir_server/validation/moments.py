"""Order of dates and times of any precision, https://hl7.org/fhir/R4/datatypes.html#dateTime."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any


def is_ordered(first: Any, second: Any) -> bool:
    """Tell whether first <= second, or whether their precisions or forms leave that open."""
    if not isinstance(first, str) or not isinstance(second, str):
        return True
    if len(first) == len(second) and first[19:] == second[19:]:
        return first <= second
    try:
        return _is_ordered(first, second)
    except (ValueError, OverflowError):  # not dates: said where the values are checked
        return True


def _is_ordered(first: str, second: str) -> bool:
    if "T" in first and "T" in second:
        return _instant(first) <= _instant(second)
    if "T" in first or "T" in second:
        if min(len(first), len(second)) < 10:
            return _is_ordered(first[:10], second[:10])
        # A date has no zone, so around midnight the day before or after may be meant.
        return (date.fromisoformat(first[:10]) - date.fromisoformat(second[:10])).days <= 1
    shared = min(len(first), len(second))
    return first[:shared] <= second[:shared]


def _instant(text: str) -> datetime:
    # Python knows no leap seconds.
    return datetime.fromisoformat(text.replace(":60", ":59"))
