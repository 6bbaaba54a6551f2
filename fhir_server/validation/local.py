"""Our own extensions: what their values have to be, so that what reads them may rely on it.

docs/scheduling.md lists their meaning. Extensions of others pass as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.errors import Issue
from fhir_server.extensions import EXTENSION
from fhir_server.instants import zones

Problem = str
"""A sentence on what the value has to be; "" when it is right."""
Check = Callable[[Any], Problem]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PAYMENT_STATUSES = ("open", "paid", "failed", "expired", "refunded", "partially-refunded")


def problems(resource: Mapping[str, Any], path: str = "") -> Iterator[Issue]:
    """Yield what is wrong with our extensions on a resource that is valid R4."""
    checks = CHECKS.get(resource["resourceType"])
    if not checks or "extension" not in resource:
        return
    where = path or resource["resourceType"]
    for number, each in enumerate(resource["extension"]):
        name = each["url"].removeprefix(EXTENSION)
        if name == each["url"]:
            continue
        check = checks.get(name)
        said = check(_value(each)) if check else f"is none of {', '.join(sorted(checks))}"
        if said:
            yield Issue("value", f"{each['url']}: it {said}.", f"{where}.extension[{number}]")


def _value(extension: Mapping[str, Any]) -> Any:
    """Return the value; of a complex extension its parts by name."""
    if "extension" in extension:
        return {each["url"]: _value(each) for each in extension["extension"]}
    return next((value for key, value in extension.items() if key.startswith("value")), None)


def _whole(least: int, most: int) -> Check:
    def check(value: Any) -> Problem:
        right = isinstance(value, int) and least <= value <= most
        return "" if right else f"has to be a whole number from {least} to {most}"

    return check


def _one_of(*words: str) -> Check:
    return lambda value: "" if value in words else f"has to be one of {', '.join(words)}"


def _zone(value: Any) -> Problem:
    return "" if value in zones() else "has to be an IANA time zone"


def _text(value: Any) -> Problem:
    return "" if isinstance(value, str) and value else "has to have a text value"


def _room(value: Any) -> Problem:
    right = isinstance(value, str) and value.startswith(("https://", "http://localhost", "/"))
    return "" if right else "has to be an https address, with {room} for the visit's own name"


def _reference(value: Any) -> Problem:
    right = isinstance(value, Mapping) and str(value.get("reference", "")).startswith("Schedule/")
    return "" if right else "has to be a Reference to a Schedule of this server"


def _hours(value: Any) -> Problem:
    right = isinstance(value, Mapping) and value.get("day") in DAYS and _is_span(value)
    return "" if right else "needs day (mon..sun), from and to (times, from before to)"


def _exception(value: Any) -> Problem:
    right = isinstance(value, Mapping) and _is_day(value.get("date"))
    whole = right and not {"from", "to"} & value.keys()
    return "" if whole or (right and _is_span(value)) else "needs date, and from and to or neither"


def _cancellation(value: Any) -> Problem:
    hours = value.get("free-hours", 0) if isinstance(value, Mapping) else -1
    percent = value.get("percent", 0) if isinstance(value, Mapping) else -1
    right = isinstance(hours, int) and hours >= 0 and 0 <= Decimal(str(percent)) <= 100
    return "" if right else "needs free-hours (from 0) and percent (0 to 100)"


def _money(value: Any) -> Problem:
    right = isinstance(value, Mapping) and value.get("value", -1) >= 0 and "currency" in value
    return "" if right else "has to be a Money of a value from 0 with its currency"


def _is_span(value: Mapping[str, Any]) -> bool:
    try:
        return time.fromisoformat(str(value["from"])) < time.fromisoformat(str(value["to"]))
    except (KeyError, ValueError):
        return False


def _is_day(value: Any) -> bool:
    try:
        return bool(date.fromisoformat(str(value)))
    except ValueError:
        return False


CHECKS: Mapping[str, Mapping[str, Check]] = MappingProxyType(
    {
        "Schedule": {
            "time-zone": _zone,
            "hours": _hours,
            "exception": _exception,
            "slot-minutes": _whole(15, 120),
            "buffer-minutes": _whole(0, 240),
            "notice-hours": _whole(0, 24 * 60),
            "hold-minutes": _whole(0, 24 * 60),
            "request-hours": _whole(0, 24 * 30),
            "payment-hours": _whole(0, 24 * 30),
            "offer-hours": _whole(1, 24 * 7),
            "booking": _one_of("approve", "instant", "free"),
            "cancellation": _cancellation,
            "fee": _text,
            "meeting": _room,
        },
        "Appointment": {
            "schedule": _reference,
            "held-until": _text,
            "fee": _money,
            "payment-status": _one_of(*PAYMENT_STATUSES),
        },
        "Practitioner": {"biography": _text},
    }
)
