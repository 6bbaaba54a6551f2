"""What a Schedule offers: hours, length, notice, fee and rules, as data in extensions on it.

https://hl7.org/fhir/R4/schedule.html. Hours are local times of the schedule's zone, so they stay what
they are when the clocks change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fhir_server.codec import Resource
from fhir_server.errors import Conflict
from fhir_server.extensions import EXTENSION

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Span = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Offer:
    """One practitioner's offer of one service."""

    schedule: str
    """Id."""
    practitioner: str
    """Reference of the actor who is booked, "Practitioner/1"."""
    name: str
    zone: ZoneInfo
    hours: Mapping[str, Sequence[Span]]
    """By day of the week."""
    exceptions: Mapping[date, Sequence[Span]]
    """Hours of single days instead of the week's; () for none that day."""
    service: str = ""
    minutes: int = 30
    buffer: int = 0
    """Minutes between two."""
    notice_hours: int = 2
    """How long before it an appointment can be booked at the latest."""
    booking: str = "approve"
    """approve: the practitioner has to say yes; instant; free: instant, and no fee."""
    hold_minutes: int = 10
    """How long a chosen time is held until it is asked for or paid."""
    request_hours: int = 48
    """How long a request waits for the practitioner."""
    payment_hours: int = 24
    """How long an approved request waits for its payment."""
    offer_hours: int = 4
    """How long a time that became free is held for who waited for it."""
    free_hours: int = 24
    """Until so long before it, to cancel costs nothing."""
    percent: Decimal = Decimal(0)
    """Of the fee, which is kept when it is cancelled later than that."""
    fee: str = ""
    """Canonical URL of the ChargeItemDefinition; "" when nothing is charged."""
    meeting: str = ""
    """Address of the room of a visit, with {room} for its secret name; "" for none."""


_NUMBERS: Mapping[str, str] = MappingProxyType(
    {
        "slot-minutes": "minutes",
        "buffer-minutes": "buffer",
        "notice-hours": "notice_hours",
        "hold-minutes": "hold_minutes",
        "request-hours": "request_hours",
        "payment-hours": "payment_hours",
        "offer-hours": "offer_hours",
    }
)
SHORTEST, LONGEST = 15, 120  # minutes of a slot


def offer_of(schedule: Resource) -> Offer:
    """Read a Schedule; Conflict when it offers nothing that can be booked here."""
    practitioner = next(
        (
            each
            for each in schedule.get("actor", [])
            if each.get("reference", "").startswith(("Practitioner/", "PractitionerRole/"))
        ),
        None,
    )
    if practitioner is None or not schedule.get("active", True):
        raise Conflict(f"Schedule/{schedule['id']} offers no times: it is not in use.")
    found = list(_extensions(schedule))
    numbers = {_NUMBERS[name]: int(value) for name, value in found if name in _NUMBERS}
    texts = {name: value for name, value in found if isinstance(value, str)}
    rule: dict[str, Any] = next((value for name, value in found if name == "cancellation"), {})
    return Offer(
        schedule=schedule["id"],
        practitioner=practitioner["reference"],
        name=practitioner.get("display", ""),
        zone=zone_of(texts.get("time-zone", "UTC")),
        hours=_weekly([value for name, value in found if name == "hours"]),
        exceptions=_single_days([value for name, value in found if name == "exception"]),
        service=_title(schedule),
        booking=texts.get("booking", "approve"),
        free_hours=int(rule.get("free-hours", 24)),
        percent=Decimal(str(rule.get("percent", 0))),
        fee="" if texts.get("booking") == "free" else texts.get("fee", ""),
        meeting=texts.get("meeting", ""),
        **numbers,
    )


def offered(schedule: Resource) -> Offer | None:
    """Read a Schedule; None when it offers nothing that can be booked here."""
    try:
        return offer_of(schedule)
    except Conflict:
        return None


def zone_of(name: str) -> ZoneInfo:
    """Return the IANA time zone; UTC when there is none of the name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def starts(offer: Offer, first: date, days: int) -> Iterator[datetime]:
    """Yield when its slots begin, in UTC, on so many of its days.

    A local time that a change of the clocks leaves out does not exist, so nothing begins then; of one
    that comes twice the first is meant.
    """
    step = timedelta(minutes=min(max(offer.minutes, SHORTEST), LONGEST) + offer.buffer)
    length = timedelta(minutes=offer.minutes)
    for number in range(days):
        day = first + timedelta(days=number)
        for opens, closes in offer.exceptions.get(day, offer.hours.get(DAYS[day.weekday()], ())):
            begin, end = _instant(day, opens, offer.zone), _instant(day, closes, offer.zone)
            while begin + length <= end:
                yield begin
                begin += step


def _instant(day: date, local: time, zone: ZoneInfo) -> datetime:
    """Return the instant; of a time that is left out, the one as long after midnight."""
    return datetime.combine(day, local, zone).astimezone(UTC)


def _extensions(resource: Resource) -> Iterator[tuple[str, Any]]:
    """Yield our extensions' names and values; complex ones as a dict."""
    for each in resource.get("extension", []):
        name = each.get("url", "").removeprefix(EXTENSION)
        if name != each.get("url"):
            yield name, _value(each)


def _value(extension: Resource) -> Any:
    if "extension" in extension:
        return {each["url"]: _value(each) for each in extension["extension"]}
    return next((value for key, value in extension.items() if key.startswith("value")), "")


def _weekly(written: Sequence[Mapping[str, str]]) -> Mapping[str, Sequence[Span]]:
    found: dict[str, list[Span]] = {}
    for each in written:
        found.setdefault(each.get("day", ""), []).append(_span(each))
    return {day: sorted(spans) for day, spans in found.items()}


def _single_days(written: Sequence[Mapping[str, str]]) -> Mapping[date, Sequence[Span]]:
    found: dict[date, list[Span]] = {}
    for each in written:
        spans = found.setdefault(date.fromisoformat(each["date"]), [])
        if "from" in each:
            spans.append(_span(each))
    return {day: sorted(spans) for day, spans in found.items()}


def _span(written: Mapping[str, str]) -> Span:
    return time.fromisoformat(written["from"]), time.fromisoformat(written["to"])


def _title(schedule: Resource) -> str:
    for each in schedule.get("serviceType", []):
        if text := each.get("text") or next(
            (coding["display"] for coding in each.get("coding", []) if "display" in coding), ""
        ):
            return str(text)
    return "Appointment"
