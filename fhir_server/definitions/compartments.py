"""Which resources belong to which compartment, https://hl7.org/fhir/R4/compartmentdefinition.html."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from fhir_server.definitions import tables

SELF = "{def}"
"""Stands for a resource's own id: the focal resource is a member of its own compartment."""


@cache
def _compartments() -> Mapping[str, dict[str, tuple[str, ...]]]:
    return MappingProxyType(tables.read("compartments.json", dict[str, dict[str, tuple[str, ...]]]))


def compartments() -> tuple[str, ...]:
    """Return the resource types that name a compartment."""
    return tuple(_compartments())


def membership(compartment: str, resource_type: str) -> tuple[str, ...]:
    """Return the parameters, or SELF, that put the type in the compartment; () when it never is.

    KeyError when there is no such compartment.
    """
    return _compartments()[compartment].get(resource_type, ())
