"""A tree of paths, and how a resource is walked along it; absent elements cost nothing.

https://hl7.org/fhir/R4/searchparameter.html#extraction
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhir_server.search.paths import Filter, Path
from fhir_server.search.references import locate
from fhir_server.search.rows import Emit, Rows

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


def new_tree() -> Node:
    """Return a root: the resource or element that the walk begins at."""
    return Node("", None, first=False)


def plant(root: Node, path: Path, emit: Emit) -> None:
    """Let the emitter have what the path leads to."""
    node = root
    for name, condition in path.steps:
        node = _child(node, name, condition)
    node.emits.append(emit)


def _child(node: Node, name: str, condition: Filter | None) -> Node:
    for child in node.children:
        if child.name == name and child.filter == condition:
            return child
    first = condition is not None and condition.kind == "first"
    child = Node(name, None if first else _test(condition), first, filter=condition)
    node.children.append(child)
    return child


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


def walk(node: Node, value: Any, rows: Rows) -> None:
    """Add what the node and those below it find in the value, a list or an item."""
    if type(value) is list:
        for item in value[:1] if node.first else value:
            if item is not None:  # JSON's place for a primitive that has only extensions
                walk(node, item, rows)
        return
    if node.test is not None and not node.test(value, rows):
        return
    for emit in node.emits:
        emit(value, rows)
    for child in node.children:
        below = value.get(child.name)
        if below is not None:
            walk(child, below, rows)
