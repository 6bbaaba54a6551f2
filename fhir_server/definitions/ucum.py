"""UCUM units as a factor of base units, exact, https://ucum.org/ucum.

The table has what is common, so that neither a start nor a usual write loads the definitions of
other codes, which takes a third of a second and 20 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache

import msgspec

from fhir_server.definitions import tables

SYSTEM = "http://unitsofmeasure.org"

_LONGEST = 80
"""Characters of a code that is still parsed; no unit in use has nearly as many."""
_EXACT = Context(prec=400, Emin=MIN_EMIN, Emax=MAX_EMAX)
_ROUNDED = Context(prec=30, Emin=MIN_EMIN, Emax=MAX_EMAX)


@dataclass(frozen=True, slots=True)
class Unit:
    """What one of the unit is in base units."""

    factor: Fraction
    base: str
    """Base units with exponents, in UCUM's order: "m-3.g"; "1" when there is no dimension."""


class _Table(msgspec.Struct, frozen=True):
    units: dict[str, tuple[str, str] | None]


@cache
def _table() -> Mapping[str, tuple[str, str] | None]:
    return tables.read("units.json", _Table).units


@lru_cache(maxsize=2**12)
def canonical(code: str) -> Unit | None:
    """Return the unit; None for one that is no multiple (Cel, [pH]), is arbitrary, or is no UCUM."""
    table = _table()
    if code in table:
        row = table[code]
        return Unit(Fraction(row[0]), row[1]) if row else None
    return parse(code)


def parse(code: str) -> Unit | None:
    """As canonical, without the table."""
    if not 0 < len(code) <= _LONGEST or not code.isascii():
        return None
    from fhir_server.definitions.ucum_parser import read  # noqa: PLC0415 - slow to import

    found = read(code)
    return Unit(*found) if found else None


def convert(number: Decimal, unit: Unit) -> Decimal:
    """Return the number in base units, rounded once: equal amounts become equal numbers."""
    exact = _EXACT.multiply(number, Decimal(unit.factor.numerator))
    return _ROUNDED.divide(exact, Decimal(unit.factor.denominator))
