"""Find the places in a resource to which the path of a patch operation leads.

https://hl7.org/fhir/R4/fhirpatch.html. FHIRPath yields values; a patch has to know where they
stand, so the steps of the path are walked here and only predicates go to the FHIRPath engine.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import Any

import fhirpathpy

from fhir_server.codec import Resource
from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element
from fhir_server.errors import Invalid
from fhir_server.fhirpath import MODEL
from fhir_server.patch import slots
from fhir_server.patch.slots import Slot
from fhir_server.patch.steps import Step

# Not needed to tell one element from another, and each lets a client spend the server's time.
_COSTLY = re.compile(r"\b(matches|replaceMatches|repeat|descendants|resolve|trace|memberOf)\s*\(")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Property:
    """A JSON property of an object in the resource, whether it is there or not."""

    owner: Resource
    name: str
    element: Element
    type: str
    path: str
    """For messages: "Patient.name"."""

    @property
    def repeats(self) -> bool:
        return self.element.max is None or self.element.max > 1

    @property
    def slots(self) -> list[Slot]:
        return slots.read(self.owner, self.name)

    def write(self, values: list[Slot]) -> None:
        slots.write(self.owner, self.name, values, repeats=self.repeats)


@dataclass(frozen=True, slots=True)
class Place:
    """One element: the root, which has no property, or a value of a property."""

    slot: Slot
    definition: str
    """Path at which the fact tables list its children."""
    property: Property | None = None
    index: int = 0


def find(resource: Resource, steps: tuple[Step, ...]) -> list[Place]:
    """Return every place to which the steps lead; Invalid when R4 has no such element."""
    root = Place(Slot(resource), resource["resourceType"])
    names_type = steps[:1] in ((Step("name", root.definition),), (Step("name", "Resource"),))
    places = [root]
    for step in steps[1:] if names_type else steps:
        places = _follow(places, step)
    return places


def properties(definition: str, owner: Resource, name: str) -> list[Property]:
    """Return the properties that an element's name stands for, one for each type of a choice.

    Invalid when the type has no such element. A choice may be named with its type (valueQuantity).
    """
    if is_primitive(definition) and name not in ("id", "extension"):
        raise Invalid(f"{definition} is a primitive type; it has id and extension only.")
    elements = structures.elements(definition)
    element = elements.get(name) or elements.get(f"{name.removesuffix('[x]')}[x]")
    by_property = structures.json_elements(definition)
    if element is None and name not in by_property:
        raise Invalid(f"{definition} has no element {name!r}; check the name.", definition)
    return [
        Property(owner, key, each, type_code, f"{definition}.{name}")
        for key, (each, type_code) in by_property.items()
        if (key == name if element is None else each is element)
    ]


def is_primitive(definition: str) -> bool:
    """Tell whether children stand beside the value, not in it; backbone paths are no types."""
    return definition in structures.type_names() and structures.kind(definition) == "primitive-type"


def child_definition(found: Property, value: Any) -> str:
    """Return the path at which the fact tables list the children of the property's value."""
    if found.type == "Resource":
        return str(value["resourceType"]) if isinstance(value, dict) else "Resource"
    return structures.child_path(found.element, found.type)


def _follow(places: list[Place], step: Step) -> list[Place]:
    match step.kind:
        case "name":
            return [child for place in places for child in _children(place, step.text)]
        case "index":
            position = int(step.text)
            return places[position : position + 1]
        case "extension":
            url = _url(step.text)
            found = [child for place in places for child in _children(place, "extension")]
            return [place for place in found if (place.slot.content or {}).get("url") == url]
        case "where":
            return [place for place in places if _meets(place, step.text)]
        case "ofType" | "as":
            return [place for place in places if _is_of(place, step.text)]
        case _:
            return _one(places, step)


def _one(places: list[Place], step: Step) -> list[Place]:
    if step.text:
        raise Invalid(f"{step.kind}() takes no argument.")
    if step.kind == "single" and len(places) > 1:
        raise Invalid(f"single() meets {len(places)} elements; make the path narrower.")
    return places[-1:] if step.kind == "last" else places[:1]


def _children(place: Place, name: str) -> list[Place]:
    owner = place.slot.content
    found = properties(place.definition, {} if owner is None else owner, name)
    return [
        Place(slot, child_definition(each, slot.value), each, index)
        for each in found
        for index, slot in enumerate(each.slots)
    ]


def _url(argument: str) -> str:
    url = _STRING.fullmatch(argument)
    if not url:
        raise Invalid("extension() takes the extension's URL as a string in single quotes.")
    return url[1]


def _is_of(place: Place, type_name: str) -> bool:
    name = type_name.strip("`").removeprefix("FHIR.").removeprefix("System.")
    return name in (place.definition, place.property.type if place.property else "")


def _meets(place: Place, predicate: str) -> bool:
    if _COSTLY.search(predicate):
        raise Invalid(
            "where() in a patch compares values; regular expressions and such are refused."
        )
    value = place.slot.value if place.slot.value is not None else place.slot.beside
    try:  # the engine writes type marks into what it is given
        focus = copy.deepcopy(value)
        expression = {"base": place.definition, "expression": f"({predicate})"}
        answer = fhirpathpy.evaluate(focus, expression, model=MODEL)
    except Exception as error:  # the engine has no narrower class
        raise Invalid(f"where({predicate}) cannot be evaluated: {error}") from error
    if answer not in ([], [True], [False]):
        raise Invalid(f"where({predicate}) does not give true or false; compare something.")
    return answer == [True]
