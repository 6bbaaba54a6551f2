"""Reduce a UCUM code to base units; ucumvert has UCUM's own definitions of units and prefixes.

Its parser takes 10 ms for some codes of 80 characters, which is too long for what anybody may send;
the walk here is linear, and a test compares the two. Slow to import: `fhir_server.definitions.ucum`
does so for a code that its table does not have. https://ucum.org/ucum#section-Syntax-Rules
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from ucumvert import xml_util

Reduced = tuple[Fraction, Mapping[str, int]]
"""Factor, and exponents by base unit."""
_Parts = deque[re.Match[str]]

_PART = re.compile(
    r"(?P<note>\{[^{}]*\})"
    r"|(?P<mark>[./()])"
    r"|(?P<unit>10[*^]|(?:\[[^\[\]]*\]|[A-Za-z_%'])+)(?P<power>[+-]?[1-9][0-9]*)?"
    r"|(?P<factor>[1-9][0-9]*)(?P<signed>[+-][1-9][0-9]*)?"
)
_ONE: Reduced = (Fraction(1), {})
_HIGHEST = 300
"""Exponent of ten beyond which a factor is no amount of anything."""
_MOST_BITS = 2**13
"""Of a numerator or denominator: what is longer takes long to multiply."""


class _Inconvertible(Exception):
    """No UCUM, or a unit that is no multiple of base units."""


def read(code: str) -> tuple[Fraction, str] | None:
    """Return factor and base units; None when it is no UCUM, or no multiple of base units."""
    try:
        factor, exponents = _reduce(code)
    except _Inconvertible:
        return None
    if not Fraction(10) ** -_HIGHEST < factor < Fraction(10) ** _HIGHEST:
        return None
    listed = ((base, exponents.get(base, 0)) for base in _bases())
    written = ".".join(f"{base}{power if power != 1 else ''}" for base, power in listed if power)
    return factor, written or "1"


@cache
def _bases() -> tuple[str, ...]:
    return tuple(xml_util.get_base_units())


@cache
def _prefixes() -> Mapping[str, Fraction]:
    listed = xml_util.root.findall(".//{*}prefix")
    return {each.attrib["Code"]: _prefix(each.find("{*}value")) for each in listed}


def _prefix(value: Any) -> Fraction:
    return Fraction(value.attrib["value"])


@cache
def _definitions() -> Mapping[str, xml_util.UcumUnitDefinition]:
    return {each.code_cs: each for each in xml_util.get_units_with_full_definition()}


@cache
def _metric() -> frozenset[str]:
    return frozenset({*_bases(), *xml_util.get_metric_units()})


def _reduce(code: str) -> Reduced:
    parts = deque(_PART.finditer(code))
    if sum(len(part[0]) for part in parts) != len(code):
        raise _Inconvertible(code)
    reduced = _main_term(parts)
    if parts:
        raise _Inconvertible(code)
    return reduced


def _main_term(parts: _Parts) -> Reduced:
    """Take `term` or `/term`: what follows a leading solidus is inverted as a whole."""
    if _next(parts) == "/":
        parts.popleft()
        return _power(_term(parts), -1)
    return _term(parts)


def _term(parts: _Parts) -> Reduced:
    reduced = _component(parts)
    while _next(parts) in (".", "/"):
        sign = -1 if parts.popleft()[0] == "/" else 1
        reduced = _times(reduced, _power(_component(parts), sign))
    return reduced


def _component(parts: _Parts) -> Reduced:
    """Take a unit, a factor or a term in brackets, and its annotation; or an annotation alone."""
    if not parts:
        raise _Inconvertible
    part = parts.popleft()
    if part["mark"]:
        reduced = _bracketed(part, parts)
    elif part["unit"]:
        reduced = _power(_unit(part["unit"]), int(part["power"] or 1))
    elif part["factor"]:
        reduced = _power((Fraction(part["factor"]), {}), int(part["signed"] or 1))
    else:
        reduced = _ONE
    if parts and parts[0]["note"]:
        parts.popleft()
    return reduced


def _bracketed(part: re.Match[str], parts: _Parts) -> Reduced:
    if part[0] != "(":
        raise _Inconvertible
    reduced = _main_term(parts)
    if _next(parts) != ")":
        raise _Inconvertible
    parts.popleft()
    return reduced


def _next(parts: _Parts) -> str:
    return parts[0][0] if parts else ""


def _unit(code: str) -> Reduced:
    """Return a unit, or one with a prefix; a name that is a unit's own is never read as a prefix."""
    if code in _bases() or code in _definitions():
        return _atom(code)
    for length in (1, 2):
        prefix, atom = code[:length], code[length:]
        if prefix in _prefixes() and atom in _metric():
            return _times((_prefixes()[prefix], {}), _atom(atom))
    raise _Inconvertible(code)


@cache
def _atom(code: str) -> Reduced:
    if code in _bases():
        return Fraction(1), {code: 1}
    definition = _definitions()[code]
    if definition.is_special or definition.is_arbitrary:
        raise _Inconvertible(code)
    unit = _reduce(definition.defining_unit)
    return _times((Fraction(str(definition.conversion_factor)), {}), unit)


def _times(first: Reduced, second: Reduced) -> Reduced:
    names = {**first[1], **second[1]}
    powers = {name: first[1].get(name, 0) + second[1].get(name, 0) for name in names}
    return _short(first[0] * second[0]), powers


def _power(unit: Reduced, exponent: int) -> Reduced:
    factor, powers = unit
    if _bits(factor) * abs(exponent) > _MOST_BITS or abs(exponent) > _HIGHEST:
        raise _Inconvertible
    return factor**exponent, {name: power * exponent for name, power in powers.items()}


def _short(factor: Fraction) -> Fraction:
    if _bits(factor) > _MOST_BITS:
        raise _Inconvertible
    return factor


def _bits(factor: Fraction) -> int:
    return max(factor.numerator.bit_length(), factor.denominator.bit_length())
