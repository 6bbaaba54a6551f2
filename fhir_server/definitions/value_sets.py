"""Codes of the value sets that R4 binds as required, https://hl7.org/fhir/R4/terminologies.html#required."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from fhir_server.definitions import tables


class _Row(msgspec.Struct, frozen=True):
    url: str
    codes: dict[str, tuple[str, ...]] | None


@cache
def _value_sets() -> Mapping[str, Mapping[str, frozenset[str]] | None]:
    rows = tables.read("value-sets.json", tuple[_Row, ...])
    return MappingProxyType({row.url: _frozen(row.codes) for row in rows})


def _frozen(codes: dict[str, tuple[str, ...]] | None) -> Mapping[str, frozenset[str]] | None:
    if codes is None:
        return None
    return MappingProxyType({system: frozenset(listed) for system, listed in codes.items()})


def urls() -> tuple[str, ...]:
    """Return the canonical URLs, without version, of all value sets of required bindings."""
    return tuple(_value_sets())


def codes(value_set: str) -> Mapping[str, frozenset[str]] | None:
    """Return codes by code system; None when R4 does not enumerate them.

    KeyError when no required binding names the value set.
    """
    return _value_sets()[value_set]
