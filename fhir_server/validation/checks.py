"""All invariants that are plain functions, by type or element path."""

from __future__ import annotations

from fhir_server.validation import bundles, invariants
from fhir_server.validation.invariants import Check


def checks(path: str) -> tuple[Check, ...]:
    """Return the functions for exactly this type or element path."""
    return (*invariants.CHECKS.get(path, ()), *bundles.CHECKS.get(path, ()))
