"""Order of dates and times of any precision, https://hl7.org/fhir/R4/datatypes.html#dateTime."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

_DATE = len("2024-01-01")


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
    shorter, longer = sorted((len(first), len(second)))
    if shorter > _DATE:
        return _instant(first) <= _instant(second)
    if shorter == _DATE and longer > _DATE:
        # A date has no zone, so around midnight the day before or after may be meant.
        days = date.fromisoformat(first[:_DATE]) - date.fromisoformat(second[:_DATE])
        return days.days <= 1
    return first[:shorter] <= second[:shorter]


def _instant(text: str) -> datetime:
    # Python knows no leap seconds.
    return datetime.fromisoformat(text.replace(":60", ":59"))
