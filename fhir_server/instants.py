"""FHIR instants and Python's: https://hl7.org/fhir/R4/datatypes.html#instant. And the time zones there are."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones


def moment(text: str) -> datetime:
    """Read an instant; a leap second is the second before it."""
    return datetime.fromisoformat(text.replace(":60", ":59")).astimezone(UTC)


def instant(time: datetime, to: str = "seconds") -> str:
    """Write it in UTC, to the second or to the "milliseconds"."""
    return time.astimezone(UTC).isoformat(timespec=to).replace("+00:00", "Z")


@cache
def zones() -> frozenset[str]:
    """Return the IANA names, listed once: to list them reads all their files, which takes milliseconds."""
    return frozenset(available_timezones())
