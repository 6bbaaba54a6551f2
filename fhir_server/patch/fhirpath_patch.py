"""FHIRPath Patch, https://hl7.org/fhir/R4/fhirpatch.html."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fhir_server.codec import Resource
from fhir_server.errors import Invalid
from fhir_server.patch import slots
from fhir_server.patch.location import Place, Property, find, properties
from fhir_server.patch.outcome import drop_empty, finished
from fhir_server.patch.slots import Slot
from fhir_server.patch.steps import parse
from fhir_server.patch.value import set_child, typed_value

Parts = Mapping[str, Resource]


def apply_fhirpath_patch(resource: Resource, parameters: Resource) -> Resource:
    """Return the resource as the operations leave it.

    Invalid, naming the operation, when one cannot be carried out.
    """
    if parameters.get("resourceType") != "Parameters":
        raise Invalid("A FHIRPath Patch is a Parameters resource; send one.", "resourceType")
    patched = copy.deepcopy(resource)
    listed = parameters.get("parameter", [])
    if not isinstance(listed, list):
        raise Invalid("Parameters.parameter has to be an array.", "Parameters.parameter")
    for index, parameter in enumerate(listed):
        _carry_out(patched, parameter, f"Parameters.parameter[{index}]", index)
    return finished(resource, patched)


def _carry_out(resource: Resource, parameter: object, expression: str, index: int) -> None:
    try:
        parts = _parts(parameter)
        operation = _text(parts, "type", "valueCode")
        if operation not in _OPERATIONS:
            raise Invalid(f"type {operation!r} is none of {', '.join(_OPERATIONS)}.")
        _OPERATIONS[operation](resource, _text(parts, "path", "valueString"), parts)
    except Invalid as error:
        raise Invalid(f"Operation {index}: {error.diagnostics}", expression) from error
    except (RecursionError, TypeError, AttributeError, KeyError) as error:
        # a nested value or a stored element that is no object where the tables promise one
        raise Invalid(f"Operation {index} does not fit the resource.", expression) from error


def _parts(parameter: object) -> Parts:
    if not isinstance(parameter, dict) or parameter.get("name") != "operation":
        raise Invalid("each parameter of a FHIRPath Patch is named 'operation'.")
    parts: dict[str, Resource] = {}
    for part in parameter.get("part") or []:
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or name in parts:
            raise Invalid(f"its parts need names that differ; {name!r} does not do.")
        parts[name] = part
    return parts


def _text(parts: Parts, name: str, *properties: str) -> str:
    part = parts.get(name, {})
    found = next((part[key] for key in (*properties, "valueString") if key in part), None)
    if not isinstance(found, str):
        raise Invalid(f"it needs the part {name!r} with a {properties[0]}.")
    return found


def _number(parts: Parts, name: str, limit: int) -> int:
    found = parts.get(name, {}).get("valueInteger")
    if not isinstance(found, int) or isinstance(found, bool):
        raise Invalid(f"it needs the part {name!r} with a valueInteger.")
    if not 0 <= found < limit:
        raise Invalid(f"{name} {found} is out of range; the list takes 0 to {limit - 1}.")
    return found


def _value(parts: Parts) -> Resource:
    if "value" not in parts:
        raise Invalid("it needs the part 'value'.")
    return parts["value"]


def _single(resource: Resource, path: str) -> Place:
    places = find(resource, parse(path))
    if len(places) != 1:
        raise Invalid(f"{path} leads to {len(places)} elements and has to lead to one.")
    return places[0]


def _with_content(place: Place) -> tuple[Place, Resource]:
    """Return the object for the place's children, made beside a primitive that has none yet."""
    content = place.slot.content
    if content is not None:
        return place, content
    made: Resource = {}
    if place.property is None:
        raise Invalid("the resource is no object.")
    values = place.property.slots
    values[place.index] = replace(place.slot, beside=made)
    place.property.write(values)
    return place, made


def _list(resource: Resource, path: str) -> Property:
    """Return the repeating property that the path names; it may have no values yet."""
    steps = parse(path)
    if steps[-1].kind != "name":
        raise Invalid(f"{path} has to end with the name of a list.")
    above = find(resource, steps[:-1])
    if len(above) != 1:
        raise Invalid(f"{path} lies in {len(above)} elements and has to lie in one.")
    place, content = _with_content(above[0])
    (found, *_) = properties(place.definition, content, steps[-1].text)
    if not found.repeats:
        raise Invalid(f"{path} is no list; use replace.")
    return found


def _add(resource: Resource, path: str, parts: Parts) -> None:
    place, content = _with_content(_single(resource, path))
    set_child(place.definition, content, _text(parts, "name", "valueString"), _value(parts))


def _insert(resource: Resource, path: str, parts: Parts) -> None:
    found = _list(resource, path)
    values = found.slots
    index = _number(parts, "index", len(values) + 1)
    _, slot = typed_value([found], _value(parts))
    found.write([*values[:index], slot, *values[index:]])


def _delete(resource: Resource, path: str, _parts: Parts) -> None:
    places = find(resource, parse(path))
    if not places:  # "it is not an error if the path does not resolve to an element"
        return
    place = _single(resource, path)
    if place.property is None:
        raise Invalid("a patch cannot delete the resource itself; use DELETE.")
    values = place.property.slots
    del values[place.index]
    place.property.write(values)
    drop_empty(resource)


def _replace(resource: Resource, path: str, parts: Parts) -> None:
    place = _single(resource, path)
    if place.property is None:
        raise Invalid("a patch cannot replace the resource itself; use PUT.")
    old = place.property
    choices = properties(_above(old), old.owner, old.element.name)
    new, slot = typed_value(choices, _value(parts))
    if new.name != old.name:
        slots.rename(old.owner, old.name, new.name)
    values: list[Slot] = new.slots
    values[place.index] = slot
    new.write(values)


def _above(found: Property) -> str:
    return found.path.rpartition(".")[0]


def _move(resource: Resource, path: str, parts: Parts) -> None:
    found = _list(resource, path)
    values = found.slots
    source = _number(parts, "source", len(values))
    destination = _number(parts, "destination", len(values))
    values.insert(destination, values.pop(source))
    found.write(values)


_OPERATIONS: Mapping[str, Callable[[Resource, str, Parts], Any]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
