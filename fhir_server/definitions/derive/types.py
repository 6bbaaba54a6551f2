"""Types and elements out of StructureDefinition snapshots, https://hl7.org/fhir/R4/structuredefinition.html."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_server.definitions.derive.package import Package, Resource, last_step, unversioned

_SYSTEM = "http://hl7.org/fhirpath/System."
_REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
_JSON_KINDS = {"Boolean": "boolean", "Integer": "number", "Decimal": "number"}
_KINDS = frozenset({"resource", "complex-type", "primitive-type"})


def structures(package: Package) -> dict[str, list[Resource]]:
    """Return the rows of types and of elements, both in the order of type names."""
    definitions = type_definitions(package)
    return {
        "types": [_type(definition, definitions) for definition in definitions.values()],
        "elements": [
            row for definition in definitions.values() for row in _elements(definition, definitions)
        ],
    }


def type_definitions(package: Package) -> dict[str, Resource]:
    """Return the definitions of R4's own types by name: neither profiles nor logical models."""
    own = {
        definition["type"]: definition
        for definition in package.resources["StructureDefinition"]
        if definition.get("derivation") != "constraint" and definition["kind"] in _KINDS
    }
    return dict(sorted(own.items()))


def _type(definition: Resource, definitions: Mapping[str, Resource]) -> Resource:
    row = {
        "name": definition["type"],
        "kind": definition["kind"],
        "abstract": definition["abstract"],
        "parent": last_step(definition.get("baseDefinition", "")),
    }
    if definition["kind"] == "primitive-type":
        row["json"] = _json_kind(definition, definitions)
        row["regex"] = _regex(definition)
    return _without_defaults(row, {"abstract": False, "parent": "", "regex": ""})


def _json_kind(definition: Resource, definitions: Mapping[str, Resource]) -> str:
    # positiveInt and unsignedInt call their value a System.String; integer, their parent, does not.
    above = last_step(definition["baseDefinition"])
    if above != "Element":
        return _json_kind(definitions[above], definitions)
    (value_type,) = _value(definition)["type"]
    return _JSON_KINDS.get(value_type["code"].removeprefix(_SYSTEM), "string")


def _regex(definition: Resource) -> str:
    (value_type,) = _value(definition)["type"]
    patterns = [e["valueString"] for e in value_type.get("extension", ()) if e["url"] == _REGEX]
    return "".join(patterns)


def _value(definition: Resource) -> Resource:
    path = f"{definition['type']}.value"
    return next(element for element in snapshot(definition) if element["path"] == path)


def snapshot(definition: Resource) -> list[Resource]:
    """Return the definition's elements, the type itself first."""
    elements: list[Resource] = definition["snapshot"]["element"]
    return elements


def _elements(definition: Resource, definitions: Mapping[str, Resource]) -> Iterator[Resource]:
    by_path = {element["path"]: element for element in snapshot(definition)}
    parents = {path.rpartition(".")[0] for path in by_path}
    for path, element in list(by_path.items())[1:]:
        referred = element.get("contentReference", "").removeprefix("#")
        types = by_path[referred]["type"] if referred else element["type"]
        yield _without_defaults(
            {
                "path": path,
                "types": [_type_name(path, each, definition) for each in types],
                "min": element["min"],
                "max": None if element["max"] == "*" else int(element["max"]),
                "targets": _targets(types, definitions),
                "binding": _required(element.get("binding", {})),
                "summary": element.get("isSummary", False),
                "modifier": element.get("isModifier", False),
                "content": referred or (path if path in parents else ""),
            },
            {
                "min": 0,
                "max": 1,
                "targets": [],
                "binding": None,
                "summary": False,
                "modifier": False,
                "content": "",
            },
        )


def _type_name(path: str, type_: Mapping[str, Any], definition: Resource) -> str:
    """Name in FHIR's terms what snapshots call System types: ids, Extension.url, primitives."""
    code: str = type_["code"]
    if not code.startswith(_SYSTEM):
        return code
    if path == "Extension.url":
        return "uri"
    if path.endswith(".id"):
        # Snapshots call a resource's id a string, https://hl7.org/fhir/R4/resource.html#id an id.
        of_resource = definition["kind"] == "resource" and path.count(".") == 1
        return "id" if of_resource else "string"
    return str(definition["type"])


def _targets(types: Sequence[Mapping[str, Any]], definitions: Mapping[str, Resource]) -> list[str]:
    """Name the target types; patterns (Definition, Event, Request) mean any."""
    names = {last_step(target) for type_ in types for target in type_.get("targetProfile", ())}
    return ["Resource"] if names - definitions.keys() else sorted(names)


def _required(binding: Mapping[str, Any]) -> str | None:
    return unversioned(binding["valueSet"]) if binding.get("strength") == "required" else None


def _without_defaults(row: Resource, defaults: Mapping[str, Any]) -> Resource:
    return {
        key: value for key, value in row.items() if key not in defaults or value != defaults[key]
    }
