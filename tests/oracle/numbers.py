"""Numbers and quantities, https://hl7.org/fhir/R4/search.html#number and #quantity."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import inf
from typing import Any

from tests.oracle.escape import divide, plain
from tests.oracle.paths import Value
from tests.oracle.spans import Span, holds, prefixed
from tests.oracle.units import UCUM, in_base_units

Found = dict[str, Any]
TYPES = frozenset({"decimal", "integer", "positiveInt", "unsignedInt", "Range"})
QUANTITIES = frozenset(
    {"Quantity", "SimpleQuantity", "MoneyQuantity", "Age", "Count", "Distance", "Duration"}
)
QUANTITY_TYPES = QUANTITIES | {"Money", "Range", "SampledData"}
_CURRENCIES = "urn:iso:std:iso:4217"


@dataclass(frozen=True, slots=True)
class Amount:
    """A span of numbers and its unit."""

    span: Span
    system: str = ""
    code: str = ""
    unit: str = ""


def fraction(number: Any) -> Fraction:
    return Fraction(Decimal(str(number)))


def sought(prefix: str, text: str) -> Span:
    """Return what the written number means to the prefix."""
    number = fraction(text)
    if prefix in ("eq", "ne"):
        exponent = Decimal(text).as_tuple().exponent
        assert isinstance(exponent, int)
        half = Fraction(10) ** exponent / 2
        return Span(number - half, number + half, open=True)
    if prefix == "ap":
        return Span(number - abs(number) / 10, number + abs(number) / 10)
    return Span(number, number)


def of_range(data: Found) -> Span:
    low, high = (data.get(end, {}).get("value") for end in ("low", "high"))
    return Span(
        -inf if low is None else fraction(low),
        inf if high is None else fraction(high),
    )


def of_number(value: Value) -> Span:
    """Return the span of a value of a number parameter."""
    if value.type == "Range":
        return of_range(value.data)
    return Span(fraction(value.data), fraction(value.data))


def matches(values: list[Value], text: str) -> bool:
    prefix, written = prefixed(text)
    wanted = sought(prefix, written)
    return any(holds(prefix, of_number(value), wanted) for value in values)


def amount(value: Value) -> Amount | None:
    """Return what the quantity says; None when it has no number."""
    data = value.data
    if value.type == "Money":
        if "value" not in data:
            return None
        number = fraction(data["value"])
        return Amount(Span(number, number), _CURRENCIES, data.get("currency", ""))
    if value.type == "Range":
        side = data.get("low") or data.get("high") or {}
        span = of_range(data)
        return _with_unit(span, side) if (span.first, span.last) != (-inf, inf) else None
    if value.type == "SampledData":
        span = _of_samples(data)
        return _with_unit(span, data.get("origin", {})) if span else None
    if "value" not in data:
        return None
    number = fraction(data["value"])
    bounds = {"<": (-inf, number), "<=": (-inf, number), ">": (number, inf), ">=": (number, inf)}
    return _with_unit(Span(*bounds.get(data.get("comparator", ""), (number, number))), data)


def _with_unit(span: Span, data: Found) -> Amount:
    return Amount(span, data.get("system", ""), data.get("code", ""), data.get("unit", ""))


def _of_samples(data: Found) -> Span | None:
    origin = fraction(data.get("origin", {}).get("value", 0))
    factor = fraction(data.get("factor", 1))
    written = [each for each in data.get("data", "").split() if each not in ("E", "U", "L")]
    samples = [origin + factor * fraction(each) for each in written]
    return Span(min(samples), max(samples)) if samples else None


def quantity_matches(values: list[Value], text: str) -> bool:
    prefix, rest = prefixed(text)
    number, *unit = [plain(part) for part in divide(rest, "|")]
    wanted = sought(prefix, number)
    for value in values:
        found = amount(value)
        if found and _compared(prefix, found, wanted, unit):
            return True
    return False


def _compared(prefix: str, found: Amount, wanted: Span, unit: list[str]) -> bool:
    system, code = unit or ("", "")
    if not code:
        return holds(prefix, found.span, wanted) and system in ("", found.system)
    if not system:
        return code in (found.code, found.unit) and holds(prefix, found.span, wanted)
    if system != found.system:
        return False
    if system == UCUM:
        ours, theirs = in_base_units(found.code), in_base_units(code)
        if ours and theirs:
            (dimension, factor), (other, by) = ours, theirs
            return dimension == other and holds(
                prefix, _times(found.span, factor), _times(wanted, by)
            )
    return code == found.code and holds(prefix, found.span, wanted)


def _times(span: Span, factor: Fraction) -> Span:
    ends = [end if end in (-inf, inf) else end * factor for end in (span.first, span.last)]
    return Span(*ends, open=span.open)
