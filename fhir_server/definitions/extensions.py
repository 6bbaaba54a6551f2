"""Our extensions, from profiles/local/extensions.json, as plain tables of what they may look like.

https://hl7.org/fhir/R4/defining-extensions.html. What their values may mean is in `validation.local`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from fhir_server.definitions.tables import DIRECTORY
from fhir_server.extensions import EXTENSION

FILE = DIRECTORY.parent / "local" / "extensions.json"
_NOTHING: Mapping[str, Extension] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Extension:
    """One of ours, or a part of a complex one."""

    keys: frozenset[str]
    """That its value may stand under: "valueCode"; none when it has parts."""
    parts: Mapping[str, Extension]
    """By url, no others are allowed; {} when it has a value."""
    needed: bool
    repeats: bool


def of_type(resource_type: str) -> Mapping[str, Extension]:
    """Return those that may stand on a resource of the type, by short name; {} for most types."""
    return _by_type().get(resource_type, _NOTHING)


@cache
def _by_type() -> Mapping[str, Mapping[str, Extension]]:
    found: dict[str, dict[str, Extension]] = {}
    for entry in json.loads(FILE.read_bytes())["entry"]:
        definition = entry["resource"]
        name = definition["url"].removeprefix(EXTENSION)
        for context in definition["context"]:
            found.setdefault(context["expression"], {})[name] = _extension(definition)
    return MappingProxyType({type_: MappingProxyType(each) for type_, each in found.items()})


def _extension(definition: Mapping[str, Any]) -> Extension:
    elements = {each["id"]: each for each in definition["differential"]["element"]}
    parts = {
        element["sliceName"]: _read(element, elements, {})
        for element in elements.values()
        if "sliceName" in element
    }
    return _read(elements["Extension"], elements, parts)


def _read(
    element: Mapping[str, Any], elements: Mapping[str, Any], parts: Mapping[str, Extension]
) -> Extension:
    value = elements[f"{element['id']}.value[x]"]
    return Extension(
        keys=_keys(each["code"] for each in value.get("type", ())),
        parts=MappingProxyType(parts),
        needed=element["min"] > 0,
        repeats=element["max"] == "*",
    )


def _keys(types: Iterable[str]) -> frozenset[str]:
    return frozenset(f"value{each[:1].upper()}{each[1:]}" for each in types)
