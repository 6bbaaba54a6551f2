"""Invariants where a StructureDefinition declares them.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fhir_server.definitions.derive.package import Package, Resource
from fhir_server.definitions.derive.types import snapshot, type_definitions


def constraints(package: Package) -> list[Resource]:
    """Return one row for each invariant, in the order of types and their elements."""
    profiles = package.by_url("StructureDefinition")
    return [
        row
        for definition in type_definitions(package).values()
        for element in snapshot(definition)
        for row in _rows(element, profiles)
    ]


def _rows(element: Resource, profiles: Mapping[str, Resource]) -> Iterator[Resource]:
    for constraint in [*_declared(element), *_profiled(element, profiles)]:
        yield {
            "path": element["path"],
            **{key: constraint[key] for key in ("key", "severity", "expression")},
        }


def _declared(element: Resource) -> Iterator[Resource]:
    """Yield the element's own invariants: inherited copies name their source."""
    return (
        constraint for constraint in element.get("constraint", ()) if "source" not in constraint
    )


def _profiled(element: Resource, profiles: Mapping[str, Resource]) -> Iterator[Resource]:
    """Yield those of SimpleQuantity: its type demands them, its snapshot does not copy them."""
    for type_ in element.get("type", ()):
        for profile in type_.get("profile", ()):
            yield from _declared(snapshot(profiles[profile])[0])
