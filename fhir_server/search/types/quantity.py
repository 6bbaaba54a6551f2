"""Quantities with their units, https://hl7.org/fhir/R4/search.html#quantity."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, DecimalException
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from fhir_server.definitions import ucum
from fhir_server.definitions.structures import Element
from fhir_server.search.escape import split, unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import InNumbers, Predicate
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.term import fact, term
from fhir_server.search.types.number import LEAST, MOST, bounds, read_range

CURRENCIES = "urn:iso:std:iso:4217"
_CANONICAL = term("in base units")

Unit = tuple[int, int]
"""Hash of system and code, hash of code or unit text; 0 when there is none."""


def system_unit(system: str, code: str) -> int:
    """Return the hash of `number|system|code`."""
    return fact(system, code)


def unit(text: str) -> int:
    """Return the hash of `number||code`, which also finds the unit as people read it."""
    return term(text)


@lru_cache(maxsize=2**12)
def _units(system: str, code: str, text: str) -> tuple[Unit, ...]:
    """Return one unit, or a second where the text for people differs from the code."""
    first = (system_unit(system, code) if system and code else 0, unit(code) if code else 0)
    if text and text != code:
        return (first, (0, unit(text))) if code else ((0, unit(text)),)
    return (first,)


def canonical_param(param: int) -> int:
    """Return the number under which a quantity parameter's amounts in UCUM's base units stand."""
    return _CANONICAL ^ param


def _store(rows: Rows, param: int, low: Decimal, high: Decimal, said: dict[str, Any]) -> None:
    """Add the amount as it is written, and in base units where its unit is UCUM's.

    said: what has system, code and unit.
    """
    system, code = said.get("system", ""), said.get("code", "")
    for both, text in _units(system, code, said.get("unit", "")):
        rows.numbers.append((param, low, high, both, text))
    if system == ucum.SYSTEM:
        base = _canonical_unit(code)
        if base:
            least = low if low is LEAST else _reduced(low, code)
            most = high if high is MOST else least if high is low else _reduced(high, code)
            rows.numbers.append((canonical_param(param), least, most, base, 0))


@lru_cache(maxsize=2**12)
def _canonical_unit(code: str) -> int:
    """Return the hash of the code's base unit; 0 when it has none."""
    measure = ucum.canonical(code)
    return system_unit(ucum.SYSTEM, measure.base) if measure else 0


@lru_cache(maxsize=2**14)
def _reduced(number: Decimal, code: str) -> Decimal:
    measure = ucum.canonical(code)
    return ucum.convert(number, measure) if measure else number


def _quantity(field: Field, _: Element | None) -> Emit:
    present, param = field.present, field.param

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        number = value.get("value")
        if number is None:
            return
        exact = Decimal(number)
        low, high = (
            _compared(exact, value["comparator"]) if "comparator" in value else (exact, exact)
        )
        _store(rows, param, low, high, value)

    return emit


def _compared(number: Decimal, comparator: str) -> tuple[Decimal, Decimal]:
    """A value "< 5" lies anywhere below."""
    return (LEAST, number) if comparator.startswith("<") else (number, MOST)


def _range(field: Field, _: Element | None) -> Emit:
    present, param = field.present, field.param

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        ends = bounds(value)
        if ends:
            low, high = value.get("low", {}), value.get("high", {})
            _store(rows, param, *ends, low if "value" in low else high)

    return emit


def _sampled(field: Field, _: Element | None) -> Emit:
    present, param = field.present, field.param

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        origin = value.get("origin", {})
        samples = list(_samples(value.get("data", "")))
        if samples:
            factor, zero = Decimal(value.get("factor", 1)), Decimal(origin.get("value", 0))
            ends = sorted((zero + factor * min(samples), zero + factor * max(samples)))
            _store(rows, param, ends[0], ends[1], origin)

    return emit


def _samples(text: str) -> Iterator[Decimal]:
    for sample in text.split():
        if sample not in ("E", "U", "L"):  # error, above, below what can be measured
            try:
                yield Decimal(sample)
            except DecimalException:
                return


def _money(field: Field, _: Element | None) -> Emit:
    present, param = field.present, field.param

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        if "value" in value:
            exact, currency = Decimal(value["value"]), value.get("currency", "")
            for both, text in _units(CURRENCIES, currency, ""):
                rows.numbers.append((param, exact, exact, both, text))

    return emit


EMITTERS: Emitters = MappingProxyType(
    {
        "Quantity": _quantity,
        "Age": _quantity,
        "Count": _quantity,
        "Distance": _quantity,
        "Duration": _quantity,
        "SimpleQuantity": _quantity,
        "MoneyQuantity": _quantity,
        "Money": _money,
        "Range": _range,
        "SampledData": _sampled,
    }
)


MODIFIERS: tuple[str, ...] = ()


def read(field: Field, _modifier: str, text: str, _: Reading) -> Predicate:
    """Return the predicate of `number`, `number|system|code` or `number||code`."""
    parts = tuple(unescape(part) for part in split(text, "|"))
    if len(parts) not in (1, 3) or (len(parts) == 3 and not parts[2]):
        raise refuse(field, text, "write number, number|system|code or number||code.")
    comparison, low, high = read_range(field, parts[0])
    system, code = parts[1:] if len(parts) == 3 else ("", "")
    measure = ucum.canonical(code) if system == ucum.SYSTEM else None
    if measure:
        return InNumbers(
            canonical_param(field.param),
            comparison,
            ucum.convert(low, measure),
            ucum.convert(high, measure),
            system_unit=system_unit(system, measure.base),
            single=field.single,
        )
    return InNumbers(
        field.param,
        comparison,
        low,
        high,
        system_unit=system_unit(system, code) if system else 0,
        unit=unit(code) if code and not system else 0,
        single=field.single,
    )
