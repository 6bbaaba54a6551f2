"""Dates and times as spans of microseconds, https://hl7.org/fhir/R4/search.html#date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from math import inf
from typing import Any

from tests.oracle.paths import Value
from tests.oracle.spans import Span, holds, prefixed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
    r"(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def span(text: str) -> Span | None:
    """Return all the time that the text may mean; None when it is no date."""
    found = _WRITTEN.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    start = datetime(
        int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
        int(second or 0), tzinfo=_zone(zone),
    )  # fmt: skip
    first = micros(start)
    if fraction:
        first += int(fraction[:6].ljust(6, "0"))
        return Span(first, first + 10 ** max(6 - len(fraction), 0) - 1)
    if second:
        return Span(first, first + 1_000_000 - 1)
    if hour:
        return Span(first, first + 60_000_000 - 1)
    if day:
        return Span(first, first + 86_400_000_000 - 1)
    return Span(first, micros(_next(start, bool(month))) - 1)


def _zone(text: str | None) -> timezone:
    if text in (None, "", "Z"):
        return UTC
    hours, minutes = text[1:].split(":")
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(ahead if text[0] == "+" else -ahead)


def _next(start: datetime, by_month: bool) -> datetime:
    if by_month and start.month < 12:
        return start.replace(month=start.month + 1)
    return start.replace(year=start.year + 1, month=1)


def of_period(period: dict[str, Any]) -> Span | None:
    start, end = span(period.get("start", "")), span(period.get("end", ""))
    if start is None and end is None:
        return None
    return Span(start.first if start else -inf, end.last if end else inf)


def of_timing(timing: dict[str, Any]) -> Span | None:
    """Return the time from the earliest event, or start of the bounds, to the latest."""
    spans = [span(event) for event in timing.get("event", ()) if event]
    spans.append(of_period(timing.get("repeat", {}).get("boundsPeriod", {})))
    known = [each for each in spans if each]
    if not known:
        return None
    return Span(min(each.first for each in known), max(each.last for each in known))


_READERS = {
    "date": span,
    "dateTime": span,
    "instant": span,
    "Period": of_period,
    "Timing": of_timing,
}
TYPES = frozenset(_READERS)


def spans(values: list[Value]) -> list[Span]:
    found = [_READERS[value.type](value.data) for value in values]
    return [each for each in found if each]


def matches(values: list[Value], text: str, now: datetime) -> bool:
    prefix, written = prefixed(text)
    sought = span(written)
    assert sought, text
    if prefix == "ap":
        # int(): the server counts whole microseconds too.
        here = micros(now)
        sought = Span(
            sought.first - abs(here - sought.first) // 10,
            sought.last + abs(here - sought.last) // 10,
        )
    return any(holds(prefix, each, sought) for each in spans(values))
