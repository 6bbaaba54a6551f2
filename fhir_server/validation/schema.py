"""JSON Schema of what is plainly valid, generated from the fact tables and compiled when first needed.

https://hl7.org/fhir/R4/json.html. What the schema accepts is valid; what it refuses may still be:
primitive extensions, 29 February and invariants that need FHIRPath are left to the exact walk in
`structure`. One schema serves all types, so each datatype is compiled once: 36 MB and 0.1 s, where a
schema per type took 120 MB and 1.4 s. Resources inside resources are mere objects to it (expanded they
would take gigabytes); `plain` looks at them one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jsonschema_rs

from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element
from fhir_server.validation import (
    bindings,
    fhirpath_rules,
    narrative,
    primitives,
    references,
    rules,
)
from fhir_server.validation.checks import checks

Schema = dict[str, Any]

_RESOURCE: Schema = {"type": "object", "required": ["resourceType"]}


class _Narrative:
    """Keyword `narrative`: the string is XHTML as FHIR allows it."""

    def __init__(self, _parent: Schema, _value: object, _path: list[str | int]) -> None:
        pass

    def validate(self, instance: Any) -> None:
        if not isinstance(instance, str) or narrative.fault(instance):
            raise ValueError


class _Checks:
    """Keyword `checks`: the functions of `invariants` for the path that is the keyword's value."""

    def __init__(self, _parent: Schema, value: str, _path: list[str | int]) -> None:
        self.functions = tuple(check.holds for check in checks(value))

    def validate(self, instance: Any) -> None:
        try:
            obeyed = isinstance(instance, dict) and all(holds(instance) for holds in self.functions)
        except (TypeError, AttributeError, KeyError) as error:  # its structure is wrong
            raise ValueError from error
        if not obeyed:
            raise ValueError


class _Agrees:
    """Keyword `agrees`: Reference.type says the same as Reference.reference."""

    def __init__(self, _parent: Schema, _value: object, _path: list[str | int]) -> None:
        pass

    def validate(self, instance: Any) -> None:
        if not isinstance(instance, dict) or any(references.faults(instance, (), {})):
            raise ValueError


_KEYWORDS: dict[str, type[Any]] = {"narrative": _Narrative, "checks": _Checks, "agrees": _Agrees}


@dataclass(frozen=True, slots=True)
class _Definitions:
    """The definitions of the schema while it grows."""

    made: dict[str, Schema] = field(default_factory=dict)
    wanted: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Name of a definition to the type or backbone path, and the targets of a Reference."""

    def reference(self, path: str, targets: tuple[str, ...] = ()) -> Schema:
        name = "-".join((path, *targets))
        self.wanted.setdefault(name, (path, targets))
        return {"$ref": f"#/definitions/{name}"}


@cache
def validator() -> jsonschema_rs.Draft4Validator:
    """Return the compiled schema of objects {resourceType: resource}."""
    return jsonschema_rs.Draft4Validator(schema(structures.resource_types()), keywords=_KEYWORDS)


def schema(resource_types: tuple[str, ...]) -> Schema:
    """Return the JSON Schema of the types, draft 4: to it alone 1.0 is no integer, as to FHIR."""
    definitions = _Definitions()
    properties = {kind: definitions.reference(kind) for kind in resource_types}
    while missing := definitions.wanted.keys() - definitions.made.keys():
        for name in sorted(missing):
            definitions.made[name] = _definition(*definitions.wanted[name], definitions)
    return {"type": "object", "properties": properties, "definitions": definitions.made}


def _definition(path: str, targets: tuple[str, ...], definitions: _Definitions) -> Schema:
    if "." not in path and primitives.is_primitive(path):
        return primitives.schema(path)
    result = _object(path, definitions)
    if structures.is_resource_type(path):
        result["properties"]["resourceType"] = {"enum": [path]}
    if path == "Reference":
        result["properties"]["reference"] = references.plain(targets)
        result["properties"]["type"] = {"enum": list(targets or structures.resource_types())}
        result["dependencies"] = {"type": {"agrees": True}}
    return result


def _object(path: str, definitions: _Definitions) -> Schema:
    """Return the schema of a type or backbone; the invariants of resource types are for `plain`."""
    shown = structures.json_elements(path)
    result: Schema = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {
            name: _property(element, type_code, definitions)
            for name, (element, type_code) in shown.items()
        },
    }
    required = [name for name, (element, _) in shown.items() if element.min and not element.choice]
    conditions = [*_choices(path, shown), *_invariants(path)]
    if required:
        result["required"] = required
    if conditions:
        result["allOf"] = conditions
    return result


def _property(element: Element, type_code: str, definitions: _Definitions) -> Schema:
    value = _value(element, type_code, definitions)
    return value if element.max == 1 else {"type": "array", "minItems": 1, "items": value}


def _value(element: Element, type_code: str, definitions: _Definitions) -> Schema:
    if type_code == "Resource":
        return _RESOURCE
    if fhirpath_rules.rules(element.path):
        return {"not": {}}  # for the exact walk
    if type_code == "code" and (codes := bindings.plain(element, type_code)):
        return codes
    targets = element.targets if type_code == "Reference" else ()
    value = definitions.reference(structures.child_path(element, type_code), targets)
    conditions = [bindings.plain(element, type_code), *_element_invariants(element)]
    conditions = [condition for condition in conditions if condition]
    return {"allOf": [value, *conditions]} if conditions else value


def _element_invariants(element: Element) -> list[Schema]:
    # Where the children stand in place, the path is theirs too and `_object` adds the invariants.
    return [] if element.content == element.path else _invariants(element.path)


def _invariants(path: str) -> list[Schema]:
    found = [
        rules.plain(rule, declared)
        for declared in rules.declared_at(path)
        for rule in rules.rules(declared)
    ]
    if checks(path) and not structures.is_resource_type(path):
        found.append({"checks": path})
    return found


def _choices(path: str, shown: Mapping[str, tuple[Element, str]]) -> Iterator[Schema]:
    """Yield that of each choice at most one is there, and exactly one when it is required."""
    for element in structures.elements(path).values():
        names = [name for name, (owner, _) in shown.items() if owner == element]
        if not element.choice:
            continue
        if element.min:
            yield {"oneOf": [{"required": [name]} for name in names]}
        elif len(names) > 1 and path != "Extension":  # ext-1 says it there
            yield {"dependencies": {name: _none_of(names, name) for name in names}}


def _none_of(names: list[str], but: str) -> Schema:
    return {"not": {"anyOf": [{"required": [name]} for name in names if name != but]}}
