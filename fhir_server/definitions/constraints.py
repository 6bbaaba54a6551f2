"""Invariants where R4 declares them, not their inherited copies.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from fhir_server.definitions import tables


@dataclass(frozen=True, slots=True)
class Constraint:
    """One invariant. A key is unique within a path only: R4 uses inv-1 and inv-2 several times."""

    path: str
    key: str
    severity: Literal["error", "warning"]
    expression: str
    """FHIRPath, with the element at `path` as focus."""


@cache
def _by_path() -> Mapping[str, tuple[Constraint, ...]]:
    grouped: dict[str, tuple[Constraint, ...]] = {}
    for constraint in tables.read("constraints.json", tuple[Constraint, ...]):
        grouped[constraint.path] = (*grouped.get(constraint.path, ()), constraint)
    return MappingProxyType(grouped)


def paths() -> tuple[str, ...]:
    """Return the types and element paths that declare an invariant."""
    return tuple(_by_path())


def constraints(path: str) -> tuple[Constraint, ...]:
    """Return those declared at exactly this path; inherited ones (ele-1) stand at their type."""
    return _by_path().get(path, ())
