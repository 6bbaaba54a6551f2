"""Walk a resource along the paths of its type's parameters; absent elements cost nothing.

https://hl7.org/fhir/R4/searchparameter.html#extraction
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from fhir_server.search import custom, evaluated, words
from fhir_server.search.custom import Added
from fhir_server.search.fields import Field, fields, shares
from fhir_server.search.paths import Path
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.tree import Node, new_tree, plant, walk
from fhir_server.search.types import (
    composite,
    date,
    near,
    number,
    parts,
    quantity,
    reference,
    string,
    token,
    uri,
)

EMITTERS: Mapping[str, Emitters] = MappingProxyType(
    {
        "token": token.EMITTERS,
        "reference": reference.EMITTERS,
        "date": date.EMITTERS,
        "string": string.EMITTERS,
        "number": number.EMITTERS,
        "quantity": quantity.EMITTERS,
        "uri": uri.EMITTERS,
        "special": near.EMITTERS,
    }
)

# The resource table has columns for these.
_COLUMNS = frozenset({"_id", "_lastUpdated"})


@dataclass(frozen=True, slots=True)
class Plan:
    """How the resources of a type are indexed."""

    whole: tuple[Emit, ...]
    """What looks at the resource as a whole."""
    roots: Mapping[str, tuple[Node, ...]]
    """By name of a resource's own element."""
    truths: tuple[tuple[tuple[str, ...], Emit], ...]
    """Names of a choice's properties, and what to do with whether one holds anything but false."""


def plan(resource_type: str) -> Plan:
    """Return the type's plan, made when its first resource comes; KeyError for no R4 type."""
    return _plan(resource_type, custom.of(resource_type))


@lru_cache(maxsize=2**10)
def _plan(resource_type: str, _added: Added) -> Plan:
    root = new_tree()
    truths: list[tuple[tuple[str, ...], Emit]] = []
    for listed in fields(resource_type).values():
        if listed.code in _COLUMNS or listed.type not in EMITTERS or shares(listed):
            continue
        if listed.expression:
            root.emits.append(evaluated.emitter(listed, EMITTERS[listed.type]))
        for path in listed.paths:
            if path.type != "truth":
                _plant(root, path, listed)
        names = tuple(path.steps[0][0] for path in listed.paths if path.type == "truth")
        if names:
            truths.append((names, EMITTERS[listed.type]["truth"](listed, None)))
    for path, emit in composite.emits(fields(resource_type).values()):
        plant(root, path, emit)
    root.emits += [
        words.emits(each) for each in fields(resource_type).values() if each.type == "words"
    ]
    return Plan(tuple(root.emits), MappingProxyType(_by_name(root)), tuple(truths))


def is_indexed(listed: Field) -> bool:
    """Tell whether the parameter can have any value in the index."""
    if listed.type == "composite":
        return bool(parts.groups(listed))
    emitters = EMITTERS.get(listed.type, {})
    return (
        listed.type == "words"
        or listed.code in _COLUMNS
        or bool(listed.expression and emitters)
        or any(path.type in emitters for path in listed.paths)
    )


def _plant(root: Node, path: Path, listed: Field) -> None:
    emitter = EMITTERS[listed.type].get(path.type)
    if emitter is not None:
        plant(root, path, emitter(listed, path.element))


def _by_name(root: Node) -> dict[str, tuple[Node, ...]]:
    names = {child.name for child in root.children}
    return {name: tuple(each for each in root.children if each.name == name) for name in names}


def extract(rows: Rows, by: Plan) -> None:
    """Add all that the resource is searched by."""
    roots, resource = by.roots, rows.resource
    for emit in by.whole:
        emit(resource, rows)
    for name, value in resource.items():
        nodes = roots.get(name)
        if nodes is not None:
            for node in nodes:
                walk(node, value, rows)
    for names, emit in by.truths:
        emit(any(resource.get(name, False) is not False for name in names), rows)
