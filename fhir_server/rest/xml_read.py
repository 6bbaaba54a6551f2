"""Read a resource from XML, https://hl7.org/fhir/R4/xml.html.

Malformed when it is no XML, Invalid, naming the element, when it is no FHIR; whether the resource
is valid is then asked as of one that came as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from fhir_server.codec import Resource
from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element
from fhir_server.errors import Invalid
from fhir_server.rest.xml_tree import Node, parse
from fhir_server.rest.xml_write import attribute_names

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,999})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,999})(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?", re.ASCII)


def from_xml(raw: bytes) -> Resource:
    """Return the resource as JSON would have it; decimals keep their digits."""
    return _resource(parse(raw), "")


def _resource(node: Node, above: str) -> Resource:
    if not structures.is_resource_type(node.name):
        raise Invalid(f"{node.name!r} is no resource type of R4.", above or node.name)
    _refuse_attributes(node, (), above or node.name)
    content = _children(node, node.name, above or node.name)
    return {"resourceType": node.name, **content}


def _children(node: Node, path: str, place: str) -> Resource:
    known = structures.json_elements(path)
    found: dict[str, list[Node]] = {}
    for child in node.children:
        if child.name not in known or child.name in attribute_names(path):
            raise Invalid(f"{path} has no element {child.name!r}; check the name.", place)
        found.setdefault(child.name, []).append(child)
    content: Resource = {}
    for name, nodes in found.items():
        _put(content, name, nodes, known[name], f"{place}.{name}")
    return content


def _put(
    content: Resource, name: str, nodes: list[Node], kind: tuple[Element, str], place: str
) -> None:
    element, type_code = kind
    repeats = element.max is None or element.max > 1
    if len(nodes) > 1 and not repeats:
        raise Invalid(f"{place} stands {len(nodes)} times and may stand once.", place)
    pairs = [_pair(node, element, type_code, place) for node in nodes]
    for key, values in ((name, [pair[0] for pair in pairs]), (f"_{name}", [p[1] for p in pairs])):
        if any(value is not None for value in values):
            content[key] = values if repeats else values[0]


def _pair(node: Node, element: Element, type_code: str, place: str) -> tuple[Any, Resource | None]:
    """Return the value and what JSON writes beside it."""
    if type_code == "Resource":
        _refuse_attributes(node, (), place)
        if len(node.children) != 1:
            raise Invalid(f"{place} has to hold one resource.", place)
        return _resource(node.children[0], place), None
    if type_code == "xhtml":
        if not node.text:
            raise Invalid(f"{place} has to be a div in the namespace of XHTML.", place)
        return node.text, None
    if structures.json_kind(type_code) is not None:
        return _primitive(node, type_code, place)
    return _complex(node, structures.child_path(element, type_code), place), None


def _complex(node: Node, path: str, place: str) -> Resource:
    names = attribute_names(path)
    _refuse_attributes(node, names, place)
    attributes = {name: node.attributes[name] for name in names if name in node.attributes}
    content = {**attributes, **_children(node, path, place)}
    if not content:
        raise Invalid(f"{place} is empty; leave it out.", place)
    return content


def _primitive(node: Node, type_code: str, place: str) -> tuple[Any, Resource | None]:
    _refuse_attributes(node, ("id", "value"), place)
    text = node.attributes.get("value")
    identity = {"id": node.attributes["id"]} if "id" in node.attributes else {}
    beside = {**identity, **_children(node, "Element", place)}
    if text is None and not beside:
        raise Invalid(f"{place} is empty; leave it out.", place)
    value = None if text is None else _literal(text, type_code, place)
    return value, beside or None


def _literal(text: str, type_code: str, place: str) -> Any:
    kind = structures.json_kind(type_code)
    if kind == "boolean" and text in _BOOLEANS:
        return _BOOLEANS[text]
    if kind == "string":
        return text
    if kind == "number" and _INTEGER.fullmatch(text) and text != "-0":
        return int(text)
    if type_code == "decimal" and _DECIMAL.fullmatch(text):
        return Decimal(text)
    raise Invalid(f"{place} has the value {text[:40]!r}, which is no {type_code}.", place)


_BOOLEANS: Mapping[str, bool] = {"true": True, "false": False}


def _refuse_attributes(node: Node, known: Iterable[str], place: str) -> None:
    unknown = node.attributes.keys() - set(known)
    if unknown:
        raise Invalid(f"{place} has the unknown attribute {min(unknown)!r}.", place)
