"""The values of a search parameter in a resource, found by FHIRPath.

https://hl7.org/fhir/R4/searchparameter.html. R4's expressions are no strict FHIRPath: they write `as`
of many items (ofType is meant), resolve() without a server, and hasExtension(). The text is mended
here first, and what resolve() tests is decided from the reference itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhirpathpy.engine import do_eval
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models
from fhirpathpy.parser import parse

from fhir_server.definitions import structures

Resource = dict[str, Any]

MENDED = (
    (r"\(([\w.]+) as (\w+)\)", r"\1.ofType(\2)"),
    (r"\.as\(", ".ofType("),
    (r"ofType\(DateTime\)", "ofType(dateTime)"),
    (r"hasExtension\(('[^']*')\)", r"extension(\1).exists()"),
)
_RESOLVED = re.compile(r"\.where\(resolve\(\) is (\w+)\)$")


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One value in a resource."""

    type: str
    """FHIR type: "Coding", "code", "Patient"; a path where the element has no type of its own."""
    data: Any
    place: str = ""
    """Where it stands, without positions: "Patient.communication.language"."""
    node: Any = None


@cache
def _compiled(expression: str) -> Any:
    return parse(expression)


@cache
def alternatives(resource_type: str, expression: str) -> tuple[tuple[str, str], ...]:
    """Return the parts that speak of the type, each with the type its reference has to have."""
    for pattern, text in MENDED:
        expression = re.sub(pattern, text, expression)
    own = []
    for written in expression.split("|"):
        part = re.sub(r"^(Domain)?Resource\b", resource_type, written.strip())
        if part[:1].islower():  # InsurancePlan's "name | alias" leaves out the type
            part = f"{resource_type}.{part}"
        if re.match(rf"{resource_type}(\.|$)", part):
            resolved = _RESOLVED.search(part)
            own.append((_RESOLVED.sub("", part), resolved[1] if resolved else ""))
    return tuple(own)


def values(resource: Resource, expression: str) -> list[Value]:
    """Return what a parameter's expression finds."""
    found = []
    for part, target in alternatives(resource["resourceType"], expression):
        found += [
            value
            for value in evaluated(resource, part, resource)
            if not target or target_type(value.data, resource) == target
        ]
    return found


def evaluated(root: Any, part: str, resource: Resource) -> list[Value]:
    """Evaluate one FHIRPath on a resource, or on an element of it that was found before."""
    # Not by fhirpathpy.evaluate, which drops every element that has only extensions.
    context = {
        "dataRoot": [root],
        "vars": {"context": root, "resource": resource},
        "model": models["r4"],
        "userInvocationTable": {},
    }
    found = [_value(node) for node in do_eval(context, [root], _compiled(part)["children"][0])]
    return [value for value in found if value is not None]


def _value(node: Any) -> Value | None:
    if not isinstance(node, ResourceNode):
        return Value("boolean" if isinstance(node, bool) else "string", node)
    if node.data is None or (isinstance(node.data, dict) and _is_primitive(node.path)):
        return None  # only an extension of a primitive
    place = re.sub(r"\[\d+\]", "", node.propName or node.path)
    if node.path == "Extension":
        return _of_extension(node.data, place)
    # System.String is how FHIR calls the type of Resource.id.
    return Value(node.path.replace("System.String", "id"), node.data, place, node)


def _of_extension(extension: Resource, place: str) -> Value | None:
    """Return what the extension holds: R4's expressions end at the extension itself."""
    for name, (_, type_code) in structures.json_elements("Extension").items():
        if name.startswith("value") and name in extension:
            return Value(type_code, extension[name], f"{place}.value")
    return None


@cache
def _is_primitive(name: str) -> bool:
    return name in structures.type_names() and structures.kind(name) == "primitive-type"


def target_type(reference: Any, resource: Resource) -> str:
    """Return the type of what a Reference points to, as far as it says; else ""."""
    literal = reference.get("reference", "")
    if literal.startswith("#"):
        inner = {each.get("id"): each["resourceType"] for each in resource.get("contained", ())}
        return str(inner.get(literal[1:], ""))
    parts = literal.partition("/_history/")[0].split("/")
    if len(parts) > 1 and structures.is_resource_type(parts[-2]):
        return str(parts[-2])
    return str(reference.get("type", ""))


@cache
def element(place: str) -> structures.Element | None:
    """Return the element that stands at the place; None when it is inside a choice."""
    path, *steps = place.split(".")
    found = None
    for step in steps:
        children = structures.elements(path)
        found = children.get(step) or children.get(f"{step}[x]")
        if found is None:
            return None
        path = structures.child_path(found, found.types[0])
    return found
