"""The value that a FHIRPath Patch operation brings, fitted to an element.

https://hl7.org/fhir/R4/fhirpatch.html: a value[x], or parts that build an element which has no
datatype of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from fhir_server.codec import Resource
from fhir_server.definitions import structures
from fhir_server.errors import Invalid
from fhir_server.patch.location import Property, child_definition, is_primitive, properties
from fhir_server.patch.slots import Slot


def set_child(definition: str, owner: Resource, name: str, part: Resource) -> None:
    """Append to a repeating element, or give a single one the value that it lacks."""
    choices = properties(definition, owner, name)
    found, slot = typed_value(choices, part)
    present = [each for each in choices if each.slots]
    if present and not found.repeats:
        raise Invalid(f"{definition}.{name} has a value already; use replace.")
    found.write([*found.slots, slot])


def typed_value(choices: Sequence[Property], part: Resource) -> tuple[Property, Slot]:
    """Return the part's value and, of the element's types, the property that takes it."""
    if "part" in part:
        return choices[0], Slot(_built(choices, part["part"]))
    type_code, slot = _given(part)
    exact = [each for each in choices if each.type == type_code]
    fitting = exact or [each for each in choices if _fits(each, type_code)]
    if not fitting or (len(choices) > 1 and not exact):
        allowed = ", ".join(each.type for each in choices[:8])
        raise Invalid(f"{choices[0].path} takes {allowed}; the value given is a {type_code}.")
    return fitting[0], slot


def _built(choices: Sequence[Property], parts: Any) -> Resource:
    if len(choices) > 1:
        raise Invalid(f"{choices[0].path} is a choice of types; give its value as value[x].")
    definition = child_definition(choices[0], None)
    if definition not in ("Resource", "") and is_primitive(definition):
        raise Invalid(f"{choices[0].path} is a {definition}; give its value as value[x].")
    if not isinstance(parts, list) or not parts:
        raise Invalid("part has to be an array that is not empty.")
    built: Resource = {}
    for part in parts:
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str):
            raise Invalid("each part of a value needs the name of an element.")
        set_child(definition, built, name, part)
    return built


def _given(part: Resource) -> tuple[str, Slot]:
    if isinstance(part.get("resource"), dict):
        return "Resource", Slot(copy.deepcopy(part["resource"]))
    typed = structures.json_elements("Parameters.parameter")
    names = {name.removeprefix("_") for name in part if name.lstrip("_").startswith("value")}
    if len(names) != 1 or not names <= typed.keys():
        raise Invalid(f"the part {part.get('name')!r} needs one value[x] of an R4 type, or parts.")
    (name,) = names
    value, beside = copy.deepcopy((part.get(name), part.get("_" + name)))
    if isinstance(value, list) or (value is None and beside is None):
        raise Invalid(f"{name} has to be a single value.")
    return typed[name][1], Slot(value, beside)


def _fits(found: Property, type_code: str) -> bool:
    if "Resource" in (found.type, type_code):
        return False
    if is_primitive(found.type) and is_primitive(type_code):
        # a client cannot always know that a code is wanted where it writes a string
        return structures.json_kind(found.type) == structures.json_kind(type_code)
    return type_code == structures.parent(found.type) or found.type == structures.parent(type_code)
