"""Walk a resource along the paths of its type's parameters; absent elements cost nothing.

https://hl7.org/fhir/R4/searchparameter.html#extraction
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from fhir_server.search.fields import Field, fields
from fhir_server.search.paths import Filter, Path
from fhir_server.search.references import locate
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.types import date, number, quantity, reference, string, token, uri

EMITTERS: Mapping[str, Emitters] = MappingProxyType(
    {
        "token": token.EMITTERS,
        "reference": reference.EMITTERS,
        "date": date.EMITTERS,
        "string": string.EMITTERS,
        "number": number.EMITTERS,
        "quantity": quantity.EMITTERS,
        "uri": uri.EMITTERS,
    }
)

# The resource table has columns for these.
_COLUMNS = frozenset({"_id", "_lastUpdated"})

_Test = Callable[[Any, Rows], bool]


@dataclass(slots=True)
class Node:
    """A place in the tree of paths; grown while a plan is made, only read afterwards."""

    name: str
    test: _Test | None
    first: bool
    emits: list[Emit] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How the resources of a type are indexed."""

    roots: Mapping[str, tuple[Node, ...]]
    """By name of a resource's own element."""
    truths: tuple[tuple[tuple[str, ...], Emit], ...]
    """Names of a choice's properties, and what to do with whether one holds anything but false."""


@cache
def plan(resource_type: str) -> Plan:
    """Return the type's plan, made when its first resource comes; KeyError for no R4 type."""
    root = Node("", None, first=False)
    truths: list[tuple[tuple[str, ...], Emit]] = []
    for listed in fields(resource_type).values():
        if listed.code in _COLUMNS or listed.type not in EMITTERS:
            continue
        for path in listed.paths:
            if path.type != "truth":
                _plant(root, path, listed)
        names = tuple(path.steps[0][0] for path in listed.paths if path.type == "truth")
        if names:
            truths.append((names, EMITTERS[listed.type]["truth"](listed, None)))
    return Plan(MappingProxyType(_by_name(root)), tuple(truths))


def is_indexed(listed: Field) -> bool:
    """Tell whether the parameter can have any value in the index."""
    emitters = EMITTERS.get(listed.type, {})
    return listed.code in _COLUMNS or any(path.type in emitters for path in listed.paths)


def _plant(root: Node, path: Path, listed: Field) -> None:
    emitter = EMITTERS[listed.type].get(path.type)
    if emitter is None:
        return
    node = root
    for name, condition in path.steps:
        node = _child(node, name, condition)
    node.emits.append(emitter(listed, path.element))


def _child(node: Node, name: str, condition: Filter | None) -> Node:
    for child in node.children:
        if child.name == name and child.filter == condition:
            return child
    first = condition is not None and condition.kind == "first"
    child = Node(name, None if first else _test(condition), first, filter=condition)
    node.children.append(child)
    return child


def _by_name(root: Node) -> dict[str, tuple[Node, ...]]:
    names = {child.name for child in root.children}
    return {name: tuple(each for each in root.children if each.name == name) for name in names}


def _test(condition: Filter | None) -> _Test | None:
    if condition is None:
        return None
    name, value = condition.name, condition.value
    if condition.kind == "equal":
        return lambda item, _: item.get(name) == value
    if condition.kind == "extended":
        return lambda item, _: any(each.get("url") == name for each in item.get("extension", ()))
    return lambda item, rows: _target_type(item, rows) == name


def _target_type(reference_: dict[str, Any], rows: Rows) -> str:
    literal = reference_.get("reference", "")
    if literal[:1] == "#":
        for inner in rows.resource.get("contained", ()):
            if inner.get("id") == literal[1:]:
                return str(inner.get("resourceType", ""))
    return (locate(literal, rows.base_url).type if literal else "") or reference_.get("type", "")


def extract(rows: Rows, by: Plan) -> None:
    """Add all that the resource is searched by."""
    roots, resource = by.roots, rows.resource
    for name, value in resource.items():
        nodes = roots.get(name)
        if nodes is not None:
            for node in nodes:
                _walk(node, value, rows)
    for names, emit in by.truths:
        emit(any(resource.get(name, False) is not False for name in names), rows)


def _walk(node: Node, value: Any, rows: Rows) -> None:
    if type(value) is list:
        for item in value[:1] if node.first else value:
            if item is not None:  # JSON's place for a primitive that has only extensions
                _walk(node, item, rows)
        return
    if node.test is not None and not node.test(value, rows):
        return
    for emit in node.emits:
        emit(value, rows)
    for child in node.children:
        below = value.get(child.name)
        if below is not None:
            _walk(child, below, rows)
