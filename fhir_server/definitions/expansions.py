"""Codes of the value sets that R4 enumerates, bound or not, https://hl7.org/fhir/R4/terminologies-valuesets.html.

Read when first asked for: few requests need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType

from fhir_server.definitions import code_systems, tables

Row = dict[str, frozenset[str] | None]


@cache
def _rows() -> dict[str, Row]:
    return tables.read("expansions.json", dict[str, Row])


@lru_cache(maxsize=256)
def expansion(url: str) -> Mapping[str, frozenset[str]] | None:
    """Return codes by code system; None when R4 has no such value set or does not enumerate it.

    url: canonical; a version is ignored, unless it is part of the URL, as in v2's tables.
    """
    rows = _rows()
    row = rows.get(url) or rows.get(url.partition("|")[0])
    if row is None:
        return None
    return MappingProxyType({system: _codes(system, listed) for system, listed in row.items()})


def _codes(system: str, listed: frozenset[str] | None) -> frozenset[str]:
    if listed is not None:
        return listed
    return code_systems.codes(system) or frozenset()
