"""What lies above and below a code in R4's code systems, https://hl7.org/fhir/R4/codesystem.html#hierarchy.

Read when first asked for: only searches :above and :below need them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType

from fhir_server.definitions import expansions, tables
from fhir_server.definitions.code_systems import Parents, closure, inverse

_FLAT: Parents = MappingProxyType({})


@cache
def _table() -> Mapping[str, Parents]:
    return MappingProxyType(tables.read("hierarchies.json", dict[str, dict[str, frozenset[str]]]))


@lru_cache(maxsize=256)
def children(system: str) -> Parents:
    """Return the codes right below each code; empty for a system without hierarchy."""
    return inverse(parents(system))


def parents(system: str) -> Parents:
    """Return the codes right above each code; empty for a system without hierarchy."""
    return _table().get(system, _FLAT)


def ancestors(system: str, code: str) -> frozenset[str]:
    """Return the code itself and all above it."""
    return closure(parents(system), code)


def descendants(system: str, code: str) -> frozenset[str]:
    """Return the code itself and all below it."""
    return closure(children(system), code)


def systems_of(code: str) -> frozenset[str]:
    """Return the code systems of R4 that have the code, those without hierarchy included."""
    nested = (
        system for system, above in _table().items() if code in above or code in children(system)
    )
    return expansions.systems().get(code, frozenset()).union(nested)
