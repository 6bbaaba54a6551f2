"""Dates as spans of microseconds, https://hl7.org/fhir/R4/search.html#date.

A date without zone is UTC; a partial one spans its whole year, month, day, minute or second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from fhir_server.definitions.structures import Element
from fhir_server.search.fields import Field
from fhir_server.search.predicates import InDates, Predicate
from fhir_server.search.reading import Reading, prefixed, refuse
from fhir_server.search.rows import Emit, Emitters, Rows

Span = tuple[int, int]
"""First and last microsecond since 1970 UTC."""

# One above the least int64: PostgreSQL reads -9223372036854775808::bigint as -(…::bigint).
EARLIEST = -(2**63) + 1
LATEST = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000
DAY = 86_400 * _SECOND
"""Microseconds."""
_FIRST = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_PATTERN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


@lru_cache(maxsize=2**16)
def span(text: str) -> Span | None:
    """Return the span of a date, dateTime or instant; None when it is not one."""
    parts = _PATTERN.fullmatch(text)
    if not parts:
        return None
    year, month, day, hour, minute, second, fraction, zone = parts.groups()
    try:
        if month is None:
            return _until(_at(int(year), 1, 1), _year_after(int(year)))
        if day is None:
            return _until(_at(int(year), int(month), 1), _month_after(int(year), int(month)))
        start = _at(int(year), int(month), int(day))
    except ValueError:
        return None
    if hour is None:
        return _until(start, start + DAY)
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60:
        return None
    start += (int(hour) * 3600 + int(minute) * 60 + int(second or 0)) * _SECOND - _offset(zone)
    return _instant(start, second, fraction)


def _instant(start: int, second: str | None, fraction: str | None) -> Span:
    if second is None:
        return _until(start, start + 60 * _SECOND)
    if fraction is None:
        return _until(start, start + _SECOND)
    digits = fraction[:6]
    start += int(digits.ljust(6, "0"))
    return _until(start, start + 10 ** (6 - len(digits)))


def _at(year: int, month: int, day: int) -> int:
    return (datetime(year, month, day, tzinfo=UTC) - _EPOCH) // _MICROSECOND


def _year_after(year: int) -> int:
    return _at(year + 1, 1, 1) if year < 9999 else LATEST


def _month_after(year: int, month: int) -> int:
    return _at(year, month + 1, 1) if month < 12 else _year_after(year)


def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[4:6])
    return (-minutes if zone[0] == "-" else minutes) * 60 * _SECOND


def _until(start: int, after: int) -> Span:
    return start, after - 1


def storable(microseconds: int) -> datetime:
    """Return the time in UTC, or the nearest that both Python and PostgreSQL can write in any zone."""
    return _EPOCH + timedelta(microseconds=min(max(microseconds, _FIRST), _LAST))


def period(value: dict[str, Any]) -> Span | None:
    """Return the span of a Period; a missing end is open. None when neither end is a date."""
    start, end = span(value.get("start", "")), span(value.get("end", ""))
    if not start and not end:
        return None
    return (start[0] if start else EARLIEST), (end[1] if end else LATEST)


def timing(value: dict[str, Any]) -> Span | None:
    """Return the span from the first to the last event or bound; None when it names no date."""
    spans = [found for event in value.get("event", ()) if event and (found := span(event))]
    bounds = period(value.get("repeat", {}).get("boundsPeriod", {}))
    return _outer([*spans, bounds] if bounds else spans)


def _outer(spans: Iterable[Span]) -> Span | None:
    listed = list(spans)
    if not listed:
        return None
    return min(low for low, _ in listed), max(high for _, high in listed)


def _moment(field: Field, _: Element | None) -> Emit:
    present, param = field.present, field.param

    def emit(value: str, rows: Rows) -> None:
        found = span(value)
        if found is not None:
            rows.terms.append(present)
            rows.dates.append((param, found[0], found[1]))

    return emit


def _spanned(
    read: Callable[[dict[str, Any]], Span | None],
) -> Callable[[Field, Element | None], Emit]:
    """Make the emitter of a datatype that spans time; without any date it is still present."""

    def emitter(field: Field, _: Element | None) -> Emit:
        present, param = field.present, field.param

        def emit(value: dict[str, Any], rows: Rows) -> None:
            rows.terms.append(present)
            found = read(value)
            if found is not None:
                rows.dates.append((param, found[0], found[1]))

        return emit

    return emitter


EMITTERS: Emitters = MappingProxyType(
    {
        "date": _moment,
        "dateTime": _moment,
        "instant": _moment,
        "Period": _spanned(period),
        "Timing": _spanned(timing),
    }
)


MODIFIERS: tuple[str, ...] = ()


def read(field: Field, _modifier: str, text: str, reading: Reading) -> Predicate:
    """Return the predicate of a date with a prefix."""
    comparison, (low, high) = read_span(field, text, reading)
    return InDates(field.param, comparison, low, high, field.single)


def read_span(field: Field, text: str, reading: Reading) -> tuple[str, Span]:
    """Return prefix and span; for `ap` the span is wider by a tenth of its distance from now."""
    prefix, written = prefixed(text)
    # A plus sign that nobody escaped in the URL arrives as a space.
    found = span(written.replace(" ", "+"))
    if found is None:
        raise refuse(field, text, "write a date such as ge2024-05 or 2024-05-01T10:00:00Z.")
    if prefix != "ap":
        return prefix, found
    margin = abs(reading.now - found[0]) // 10
    return prefix, (found[0] - margin, found[1] + margin)
