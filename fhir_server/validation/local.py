"""Our own extensions are as they are defined, and their values such that what reads them may rely on it.

Which there are, and their types, say the StructureDefinitions (`definitions.extensions`); here stand ranges
and what one value has to do with another. docs/scheduling.md lists their meaning. Others' pass as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.definitions import extensions
from fhir_server.definitions.extensions import Extension
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
    defined = extensions.of_type(resource["resourceType"])
    if not defined or "extension" not in resource:
        return
    where = path or resource["resourceType"]
    checks = CHECKS.get(resource["resourceType"], {})
    seen: set[str] = set()
    for number, each in enumerate(resource["extension"]):
        name = each["url"].removeprefix(EXTENSION)
        if name == each["url"]:
            continue
        said = _misplaced(name, defined, seen) or _misshapen(each, defined[name])
        if not said and name in checks:
            said = checks[name](_value(each))
        if said:
            yield Issue("value", f"{each['url']}: it {said}.", f"{where}.extension[{number}]")
        seen.add(name)


def _misplaced(name: str, defined: Mapping[str, Extension], seen: Collection[str]) -> Problem:
    if name not in defined:
        return f"is none of {', '.join(sorted(defined))}"
    return "may be there once" if name in seen and not defined[name].repeats else ""


def _misshapen(extension: Mapping[str, Any], definition: Extension) -> Problem:
    """Tell what of an extension, or a part of one, is not as its StructureDefinition has it."""
    if not definition.parts:
        right = not definition.keys.isdisjoint(extension)
        return "" if right else f"has to have {' or '.join(sorted(definition.keys))}"
    given = extension.get("extension", [])
    seen: set[str] = set()
    for each in given:
        name = each["url"]
        said = _misplaced(name, definition.parts, seen) or _misshapen(each, definition.parts[name])
        if said:
            return f"has a part {name}, which {said}"
        seen.add(name)
    missing = [name for name, each in definition.parts.items() if each.needed and name not in seen]
    if missing or not given:
        return f"has to have the parts {', '.join(missing or definition.parts)}"
    return ""


def _value(extension: Mapping[str, Any]) -> Any:
    """Return the value; of a complex extension its parts by name."""
    if "extension" in extension:
        return {each["url"]: _value(each) for each in extension["extension"]}
    return next((value for key, value in extension.items() if key.startswith("value")), None)


def _whole(least: int, most: int) -> Check:
    def check(value: Any) -> Problem:
        right = least <= value <= most
        return "" if right else f"has to be a whole number from {least} to {most}"

    return check


def _one_of(*words: str) -> Check:
    return lambda value: "" if value in words else f"has to be one of {', '.join(words)}"


def _zone(value: Any) -> Problem:
    return "" if value in zones() else "has to be an IANA time zone"


def _canonical(value: Any) -> Problem:
    return "" if isinstance(value, str) else "has to be the URL of a ChargeItemDefinition"


def _room(value: Any) -> Problem:
    right = value.startswith(("https://", "http://localhost", "/"))
    return "" if right else "has to be an https address, with {room} for the visit's own name"


def _reference(value: Any) -> Problem:
    right = value.get("reference", "").startswith("Schedule/")
    return "" if right else "has to be a Reference to a Schedule of this server"


def _hours(value: Any) -> Problem:
    right = value["day"] in DAYS and _is_span(value)
    return "" if right else "needs a day (mon..sun) and a from before its to"


def _exception(value: Any) -> Problem:
    right = _is_day(value["date"]) and (value.keys() == {"date"} or _is_span(value))
    return "" if right else "needs a whole date, and from before to or neither"


def _cancellation(value: Any) -> Problem:
    right = 0 <= Decimal(str(value.get("percent", 0))) <= 100
    return "" if right else "needs a percent from 0 to 100"


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
            "fee": _canonical,
            "meeting": _room,
        },
        "Appointment": {
            "schedule": _reference,
            "fee": _money,
            "payment-status": _one_of(*PAYMENT_STATUSES),
        },
    }
)
