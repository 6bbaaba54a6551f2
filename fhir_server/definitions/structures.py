"""Resource types, datatypes and their elements, https://hl7.org/fhir/R4/structuredefinition.html."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

import msgspec

from fhir_server.definitions import tables

Kind = Literal["resource", "complex-type", "primitive-type"]
JsonKind = Literal["string", "number", "boolean"]

_BACKBONES = frozenset({"BackboneElement", "Element"})


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type, inherited ones included, as the type's snapshot has it."""

    path: str
    """Full path from the type, choices unexpanded: "Observation.component.value[x]"."""
    name: str
    """Last step of the path: "value[x]"."""
    min: int
    max: int | None
    """None stands for *."""
    types: tuple[str, ...]
    """FHIR type names; BackboneElement or Element where children are written in place."""
    targets: tuple[str, ...]
    """Types that a Reference or canonical may point to; () when any, or when it is neither."""
    binding: str | None
    """Canonical URL, without version, of the value set of a required binding."""
    summary: bool
    modifier: bool
    content: str
    """Where its children stand: own path or contentReference's; "" when in its datatype."""
    choice: bool
    """Whether the name ends with [x], and so JSON adds the type to the name."""


class _Type(msgspec.Struct, frozen=True):
    name: str
    kind: Kind
    abstract: bool = False
    parent: str = ""
    json: JsonKind | None = None
    regex: str | None = None


class _Row(msgspec.Struct, frozen=True):
    path: str
    types: tuple[str, ...]
    min: int = 0
    max: int | None = 1
    targets: tuple[str, ...] = ()
    binding: str | None = None
    summary: bool = False
    modifier: bool = False
    content: str = ""


class _Table(msgspec.Struct, frozen=True):
    types: tuple[_Type, ...]
    elements: tuple[_Row, ...]


@cache
def _table() -> _Table:
    return tables.read("structures.json", _Table)


@cache
def _types() -> Mapping[str, _Type]:
    return MappingProxyType({row.name: row for row in _table().types})


@cache
def _children() -> Mapping[str, Mapping[str, Element]]:
    children: dict[str, dict[str, Element]] = {name: {} for name in _types()}
    for row in _table().elements:
        above, _, name = row.path.rpartition(".")
        children.setdefault(above, {})[name] = _element(row, name)
    return MappingProxyType({path: MappingProxyType(named) for path, named in children.items()})


def _element(row: _Row, name: str) -> Element:
    return Element(
        path=row.path,
        name=name,
        min=row.min,
        max=row.max,
        types=row.types,
        targets=() if "Resource" in row.targets else row.targets,
        binding=row.binding,
        summary=row.summary,
        modifier=row.modifier,
        content=row.content,
        choice=name.endswith("[x]"),
    )


@cache
def type_names() -> tuple[str, ...]:
    """Return every resource type and datatype, abstract ones included, sorted."""
    return tuple(sorted(_types()))


@cache
def resource_types() -> tuple[str, ...]:
    """Return the concrete resource types, sorted."""
    return tuple(
        row.name for row in _types().values() if row.kind == "resource" and not row.abstract
    )


@cache
def _resource_type_set() -> frozenset[str]:
    return frozenset(resource_types())


def is_resource_type(name: str) -> bool:
    """Tell whether the name is a concrete resource type: not Resource, not DomainResource."""
    return name in _resource_type_set()


def kind(name: str) -> Kind:
    """Return what the type is; KeyError when R4 has no such type."""
    return _types()[name].kind


def parent(name: str) -> str:
    """Return the type that it specializes; "" for Resource and Element."""
    return _types()[name].parent


def json_kind(name: str) -> JsonKind | None:
    """Return how JSON writes the primitive type; None for any other.

    https://hl7.org/fhir/R4/json.html#primitive
    """
    return _types()[name].json


def primitive_regex(name: str) -> str | None:
    """Return R4's unanchored pattern of a primitive type; None for xhtml and non-primitives."""
    return _types()[name].regex


def elements(path: str) -> Mapping[str, Element]:
    """Return the children of a type or backbone by name, in R4's order; else KeyError."""
    return _children()[path]


@cache
def json_elements(path: str) -> Mapping[str, tuple[Element, str]]:
    """Return element and type by JSON name: choices are expanded, "_" names are not listed."""
    return MappingProxyType(
        {
            _json_name(element, type_code): (element, type_code)
            for element in elements(path).values()
            for type_code in element.types
        }
    )


def _json_name(element: Element, type_code: str) -> str:
    if not element.choice:
        return element.name
    return element.name.removesuffix("[x]") + type_code[0].upper() + type_code[1:]


def child_path(element: Element, type_code: str) -> str:
    """Return the path at which `elements` continues below an element of the given type."""
    return element.content if type_code in _BACKBONES and element.content else type_code
