"""Write a resource as XML, https://hl7.org/fhir/R4/xml.html.

NotAcceptable, before anything is sent, when XML cannot say what the resource holds.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from typing import Any

from fhir_server.codec import Resource
from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element
from fhir_server.errors import NotAcceptable
from fhir_server.rest.xhtml import is_div

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_NAMESPACE = ' xmlns="http://hl7.org/fhir"'

# https://www.w3.org/TR/xml/#charsets: what no escape can bring into an XML document
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile('[&<>"\t\n\r]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})


def to_xml(resource: Resource) -> bytes:
    """Return the document; elements stand in R4's order, decimals keep their digits."""
    try:
        parts = [_DECLARATION, *_resource(resource, _NAMESPACE)]
        return "".join(parts).encode()
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NotAcceptable(
            "The resource has no XML form; ask for application/fhir+json."
        ) from error


def _resource(resource: Resource, namespace: str = "") -> Iterator[str]:
    name = resource["resourceType"]
    if not structures.is_resource_type(name):
        raise _impossible(str(name), "is no resource type of R4")
    yield f"<{name}{namespace}>"
    yield from _children(resource, name)
    yield f"</{name}>"


def _children(content: Resource, path: str) -> Iterator[str]:
    _refuse_unknown(content, path)
    attributes = attribute_names(path)
    for name, (element, type_code) in structures.json_elements(path).items():
        if name in attributes or (name not in content and f"_{name}" not in content):
            continue
        values, beside = _listed(content.get(name)), _listed(content.get(f"_{name}"))
        for value, extra in zip_longest(values, beside):
            yield from _element(name, value, extra, (element, type_code))


def _element(name: str, value: Any, beside: Any, kind: tuple[Element, str]) -> Iterator[str]:
    element, type_code = kind
    if type_code == "Resource":
        yield f"<{name}>"
        yield from _resource(value)
        yield f"</{name}>"
    elif type_code == "xhtml":
        yield _div(value)
    elif isinstance(value, dict):
        path = structures.child_path(element, type_code)
        yield f"<{name}{_attributes(value, path)}>"
        yield from _children(value, path)
        yield f"</{name}>"
    else:
        yield from _primitive(name, value, beside or {}, type_code)


def _primitive(name: str, value: Any, beside: Resource, type_code: str) -> Iterator[str]:
    if structures.json_kind(type_code) is None:
        raise _impossible(name, "has to be an object")
    text = "" if value is None else f' value="{_escape(_literal(value), name)}"'
    identity = f' id="{_escape(beside["id"], name)}"' if "id" in beside else ""
    if "extension" not in beside:
        yield f"<{name}{identity}{text}/>"
        return
    yield f"<{name}{identity}{text}>"
    yield from _children({"extension": beside["extension"]}, "Element")
    yield f"</{name}>"


def _attributes(content: Resource, path: str) -> str:
    return "".join(
        f' {name}="{_escape(content[name], name)}"'
        for name in attribute_names(path)
        if name in content
    )


@cache
def attribute_names(path: str) -> tuple[str, ...]:
    """Return what XML writes as attributes: the id of all but resources, an extension's url."""
    if path == "Extension":
        return ("id", "url")
    is_type = path in structures.type_names()
    return () if is_type and structures.kind(path) == "resource" else ("id",)


def _refuse_unknown(content: Resource, path: str) -> None:
    known = structures.json_elements(path)
    attributes = attribute_names(path)
    for name in content:
        bare = name.removeprefix("_")
        if name == "resourceType" and structures.is_resource_type(path):
            continue
        if bare not in known or (name != bare and (bare in attributes or bare == "div")):
            raise _impossible(f"{path}.{name}", "is no element that XML can write")


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _escape(text: str, name: str) -> str:
    if _UNWRITABLE.search(text):
        raise _impossible(name, "holds a character that XML does not allow")
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[0], f"&#{ord(found[0])};"), text)


def _div(text: str) -> str:
    written = _ENTITY.sub(_numeric, text)
    if _UNWRITABLE.search(written) or not is_div(written):
        raise _impossible("text.div", "is no well-formed XHTML div")
    return written


def _numeric(found: re.Match[str]) -> str:
    # XML without a DTD knows five names only; JSON may carry all of XHTML's
    point = html.entities.name2codepoint.get(found[1])
    return found[0] if found[1] in _XML_ENTITIES or point is None else f"&#{point};"


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _impossible(name: str, reason: str) -> NotAcceptable:
    return NotAcceptable(f"{name} {reason}; ask for application/fhir+json.", name)
