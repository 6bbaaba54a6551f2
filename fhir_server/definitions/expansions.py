"""Codes of the value sets and code systems that R4 enumerates, https://hl7.org/fhir/R4/terminologies.html.

Read when first asked for: only searches by value set need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType

import msgspec

from fhir_server.definitions import tables

_KEPT = 256  # what is asked for comes from outside


class _Table(msgspec.Struct, frozen=True, rename="camel"):
    systems: dict[str, tuple[str, ...]]
    value_sets: dict[str, dict[str, tuple[str, ...] | None]]


@cache
def _table() -> _Table:
    return tables.read("expansions.json", _Table)


@lru_cache(maxsize=_KEPT)
def codes(system: str) -> frozenset[str] | None:
    """Return all codes of a code system; None when R4 does not list them all."""
    listed = _table().systems.get(system)
    return None if listed is None else frozenset(listed)


@lru_cache(maxsize=_KEPT)
def expansion(url: str) -> Mapping[str, frozenset[str]] | None:
    """Return codes by code system; None when R4 does not enumerate the value set (url: no version)."""
    row = _table().value_sets.get(url)
    if row is None:
        return None
    return MappingProxyType(
        {
            system: frozenset(_table().systems[system] if listed is None else listed)
            for system, listed in row.items()
        }
    )


@cache
def systems() -> Mapping[str, frozenset[str]]:
    """Return by code the systems that list it among all their codes."""
    found: dict[str, list[str]] = {}
    for system, listed in _table().systems.items():
        for code in listed:
            found.setdefault(code, []).append(system)
    return MappingProxyType({code: frozenset(listed) for code, listed in found.items()})
