"""The resources that an oracle knows, and what it has already found in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fhir_server.definitions import search_parameters
from fhir_server.definitions.search_parameters import SearchParameter
from tests.oracle import dates, numbers, paths, references, strings, tokens, uris
from tests.oracle.paths import Resource, Value

READABLE = {
    "string": strings.TYPES,
    "token": tokens.TYPES,
    "date": dates.TYPES,
    "number": numbers.TYPES,
    "quantity": numbers.QUANTITY_TYPES,
    "uri": uris.TYPES,
}
"""FHIR types that a value of the parameter type can be read from."""


@dataclass(slots=True)
class World:
    resources: dict[str, Resource]
    """By "Type/id"."""
    base: str = ""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    value_sets: Mapping[str, tokens.Codes] = field(default_factory=dict)
    """Codes by the canonical URL of the value set."""
    parents: Mapping[str, Mapping[str, Collection[str]]] = field(default_factory=dict)
    """Of each code system the codes right above each code."""
    known: dict[tuple[str, str], list[Value]] = field(default_factory=dict)
    by_type: dict[str, list[str]] = field(default_factory=dict)

    def values(self, name: str, code: str) -> list[Value]:
        """Return the readable values of a parameter in the resource "Type/id"."""
        found = self.known.get((name, code))
        if found is None:
            resource = self.resources[name]
            found = readable(resource, parameter(resource["resourceType"], code))
            self.known[(name, code)] = found
        return found


def world(resources: Iterable[Resource], base: str = "") -> World:
    made = World({f"{each['resourceType']}/{each['id']}": each for each in resources}, base)
    for name in made.resources:
        made.by_type.setdefault(name.partition("/")[0], []).append(name)
    return made


def within(known: World) -> World:
    """Return the world of what the resources contain, by "Type/Container/id#inner"."""
    made = World({}, known.base, known.now, known.value_sets, known.parents)
    for name, resource in known.resources.items():
        for inner in resource.get("contained", ()):
            kind = inner["resourceType"]
            made.resources[f"{kind}/{name}#{inner['id']}"] = inner
            made.by_type.setdefault(kind, []).append(f"{kind}/{name}#{inner['id']}")
    return made


def parameter(resource_type: str, code: str) -> SearchParameter:
    return search_parameters.parameters(resource_type)[code]


def readable(resource: Resource, asked: SearchParameter) -> list[Value]:
    """Return the values that the parameter's type has a meaning for."""
    if not asked.expression:
        return []
    found = paths.values(resource, asked.expression)
    if asked.type == "reference":  # a Bundle's parameters find whole resources
        return [each for each in found if each.type in (*references.TYPES, *asked.targets)]
    types = READABLE.get(asked.type)
    return [each for each in found if types is None or each.type in types]


def linked(known: World, name: str, code: str) -> list[str]:
    """Return "Type/id" of what the resource refers to, or names by canonical URL, in this world."""
    found = [each for each in reference_literals(known, name, code) if each in known.resources]
    for value in known.values(name, code):
        if value.type in ("canonical", "uri"):
            found += _named(known, value.data)
    return found


def _named(known: World, canonical: str) -> list[str]:
    url, _, version = canonical.partition("|")
    return [
        name
        for name, resource in known.resources.items()
        if resource.get("url") == url and version in ("", resource.get("version", ""))
    ]


def reference_literals(known: World, name: str, code: str) -> list[str]:
    return list(references.literals(known.values(name, code), known.base))
