"""Codes of R4's code systems and which lies below which, https://hl7.org/fhir/R4/terminologies-systems.html.

Read when first asked for: few requests need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType

import msgspec

from fhir_server.definitions import composition, tables
from fhir_server.definitions.composition import CodeSystem

_NONE: frozenset[str] = frozenset()


class _Table(msgspec.Struct, frozen=True):
    codes: dict[str, frozenset[str]]
    children: dict[str, dict[str, frozenset[str]]]


@cache
def _table() -> _Table:
    return tables.read("code-systems.json", _Table)


@cache
def _parents(system: str) -> Mapping[str, frozenset[str]]:
    return composition.inverted(_table().children.get(system, {}))


def codes(system: str) -> frozenset[str] | None:
    """Return all codes of the system; None when R4 does not list them all."""
    return _table().codes.get(system)


def urls() -> tuple[str, ...]:
    """Return the systems of which R4 lists all codes."""
    return tuple(_table().codes)


@lru_cache(maxsize=64)
def code_system(system: str) -> CodeSystem | None:
    """Return what R4 says of the system, its properties apart; None when it does not list it."""
    listed = codes(system)
    return None if listed is None else CodeSystem(listed, _parents(system))


def ancestors(system: str, code: str) -> frozenset[str]:
    """Return the code and all above it; the code alone when R4 knows no hierarchy."""
    if system not in _table().children:
        return frozenset({code})
    return composition.ancestors(_parents(system), code)


def descendants(system: str, code: str) -> frozenset[str]:
    """Return the code and all below it; the code alone when R4 knows no hierarchy."""
    return composition.ancestors(_table().children.get(system, {}), code)


@cache
def _systems() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for system, children in _table().children.items():
        for code in frozenset(children).union(*children.values()):
            found.setdefault(code, set()).add(system)
    return MappingProxyType({code: frozenset(systems) for code, systems in found.items()})


def systems_of(code: str) -> frozenset[str]:
    """Return the systems in whose hierarchies the code stands."""
    return _systems().get(code, _NONE)


def parents(system: str) -> Mapping[str, frozenset[str]]:
    """Return the codes right above each code that has any; nothing when R4 knows no hierarchy."""
    return _parents(system)


def nested() -> tuple[str, ...]:
    """Return the systems of which R4 knows a hierarchy."""
    return tuple(_table().children)
