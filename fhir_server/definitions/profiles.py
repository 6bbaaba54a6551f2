"""Our profiles of whole resources, from profiles/local/profiles.json, as trees of rules.

https://hl7.org/fhir/R4/profiling.html. A rule is an element of a differential: how often it may be there,
what type it has, which value or code it has to have. Slices are for extensions alone (`validation.local`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from fhir_server.definitions.tables import DIRECTORY

FILE = DIRECTORY.parent / "local" / "profiles.json"
Codes = Mapping[str, frozenset[str] | None]
"""Of a value set, by system; None for all of a system's."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a profile says of one element, and of those within it."""

    name: str
    """Of the element within its parent: "actor"; of a choice of types without [x]: "medication"."""
    choice: bool = False
    least: int = 0
    most: float = float("inf")
    types: tuple[str, ...] = ()
    """Of a choice of types those that are left; () for what R4 says."""
    pattern: Any = None
    """What the value has to contain; None for anything."""
    fixed: Any = None
    """What the value has to be, and nothing more; None for anything."""
    value_set: str = ""
    codes: Codes | None = None
    """One of which it has to have."""
    within: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    url: str
    type: str
    root: Rule


@cache
def profiles() -> Mapping[str, Profile]:
    """Return our profiles by URL."""
    return read([entry["resource"] for entry in json.loads(FILE.read_bytes())["entry"]])


def read(resources: list[dict[str, Any]]) -> Mapping[str, Profile]:
    """Return the profiles among definitions by URL; KeyError when one requires a value set not among them."""
    sets = _value_sets(resources)
    found = (
        Profile(each["url"], each["type"], _tree(each, sets))
        for each in resources
        if each["resourceType"] == "StructureDefinition"
    )
    return MappingProxyType({each.url: each for each in found})


def of_type(resource_type: str) -> list[str]:
    """Return the URLs of our profiles of a resource type."""
    return [url for url, each in profiles().items() if each.type == resource_type]


def _value_sets(resources: list[dict[str, Any]]) -> Mapping[str, Codes]:
    systems = {
        each["url"]: frozenset(concept["code"] for concept in each["concept"])
        for each in resources
        if each["resourceType"] == "CodeSystem"
    }
    return {
        each["url"]: dict(_included(include, systems) for include in each["compose"]["include"])
        for each in resources
        if each["resourceType"] == "ValueSet"
    }


def _included(
    include: Mapping[str, Any], systems: Mapping[str, frozenset[str]]
) -> tuple[str, frozenset[str] | None]:
    system = include["system"]
    if "concept" in include:
        return system, frozenset(each["code"] for each in include["concept"])
    return system, systems.get(system)


def _tree(definition: Mapping[str, Any], sets: Mapping[str, Codes]) -> Rule:
    elements = {each["path"]: each for each in definition["differential"]["element"]}
    return _rule(definition["type"], elements, sets)


def _rule(path: str, elements: Mapping[str, Any], sets: Mapping[str, Codes]) -> Rule:
    element = elements.get(path, {})
    most = element.get("max", "*")
    binding = element.get("binding", {})
    value_set = binding["valueSet"] if binding.get("strength") == "required" else ""
    return Rule(
        name=path.rpartition(".")[2].removesuffix("[x]"),
        choice=path.endswith("[x]"),
        least=element.get("min", 0),
        most=float("inf") if most == "*" else int(most),
        types=tuple(each["code"] for each in element.get("type", [])),
        pattern=_valued(element, "pattern"),
        fixed=_valued(element, "fixed"),
        value_set=value_set,
        codes=sets[value_set] if value_set else None,
        within=tuple(_rule(each, elements, sets) for each in _children(path, elements)),
    )


def _valued(element: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in element.items() if key.startswith(name)), None)


def _children(path: str, elements: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths one step below, also those that only lead to an element further down."""
    depth = path.count(".") + 1
    below = [each for each in elements if each.startswith(f"{path}.")]
    yield from dict.fromkeys(".".join(each.split(".")[: depth + 1]) for each in below)
