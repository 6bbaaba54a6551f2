"""Reduce a UCUM code to base units: ucumvert parses it and has UCUM's own definitions of units.

Slow to import: `fhir_server.definitions.ucum` does so for a code that its table does not have.
https://ucum.org/ucum#section-Syntax-Rules
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from lark import Lark, Token, Tree
from ucumvert import InvalidUcumError, get_ucum_parser, parse_ucum, xml_util

Reduced = tuple[Fraction, Mapping[str, int]]
"""Factor, and exponents by base unit."""

_ANNOTATION = re.compile(r"\{[^{}]*\}")
_ONE: Reduced = (Fraction(1), {})
_HIGHEST = 300
"""Exponent of ten beyond which a factor is no amount of anything."""


class _Inconvertible(Exception):
    """A unit that is no multiple of base units."""


def read(code: str) -> tuple[Fraction, str] | None:
    """Return factor and base units; None when it is no UCUM, or no multiple of base units."""
    try:
        factor, exponents = _reduce(parse_ucum(_ANNOTATION.sub("{}", code), _parser()))
    except (InvalidUcumError, _Inconvertible):
        return None
    if not Fraction(10) ** -_HIGHEST < factor < Fraction(10) ** _HIGHEST:
        return None
    listed = ((base, exponents.get(base, 0)) for base in _bases())
    written = ".".join(f"{base}{power if power != 1 else ''}" for base, power in listed if power)
    return factor, written or "1"


@cache
def _parser() -> Lark:
    parser: Lark = get_ucum_parser()
    return parser


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


def _reduce(node: Tree[Token] | Token) -> Reduced:
    """Walk what the grammar calls main_term, term, component, annotatable and simple_unit."""
    if isinstance(node, Token):
        return _ONE  # an annotation, which is no part of the unit
    children = node.children
    if node.data == "simple_unit":
        return _simple([str(child) for child in children], str(_kind(children[0])))
    if node.data == "annotatable":
        return _power(_reduce(children[0]), int(str(children[1])))
    if node.data == "term":
        first, operator, second = children
        return _times(_reduce(first), _power(_reduce(second), -1 if operator == "/" else 1))
    if node.data == "main_term" and len(children) == 2:
        return _power(_reduce(children[1]), -1)
    return _reduce(children[0])


def _kind(token: Tree[Token] | Token) -> str:
    return token.type if isinstance(token, Token) else ""


def _simple(parts: list[str], kind: str) -> Reduced:
    if kind == "FACTOR":
        return Fraction(parts[0]), {}
    unit = _atom(parts[-1])
    return _times((_prefixes()[parts[0]], {}), unit) if len(parts) == 2 else unit


@cache
def _atom(code: str) -> Reduced:
    if code in _bases():
        return Fraction(1), {code: 1}
    definition = _definitions()[code]
    if definition.is_special or definition.is_arbitrary:
        raise _Inconvertible(code)
    unit = _reduce(parse_ucum(definition.defining_unit, _parser()))
    return _times((Fraction(str(definition.conversion_factor)), {}), unit)


def _times(first: Reduced, second: Reduced) -> Reduced:
    names = {**first[1], **second[1]}
    powers = {name: first[1].get(name, 0) + second[1].get(name, 0) for name in names}
    return first[0] * second[0], powers


def _power(unit: Reduced, exponent: int) -> Reduced:
    if abs(exponent) > _HIGHEST:
        raise _Inconvertible(str(exponent))
    return unit[0] ** exponent, {name: power * exponent for name, power in unit[1].items()}
