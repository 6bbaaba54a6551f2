"""References and canonicals, https://hl7.org/fhir/R4/search.html#reference."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from fhir_server.definitions.structures import Element
from fhir_server.search.fields import Field
from fhir_server.search.references import locate
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.term import COMPARTMENT, fact, term


def identifier_terms(prefix: str, system: str, value: str) -> tuple[int, int]:
    """Return the terms of `:identifier=system|value` and `:identifier=value`."""
    named, value = f"{prefix}:identifier", value.casefold()
    return fact(named, system, value), fact(named, value)


def _reference(field: Field, _: Element | None) -> Emit:
    point = _pointer(field)
    present, prefix = field.present, field.prefix

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        literal = value.get("reference")
        if literal is not None:
            point(literal, rows)
        identifier = value.get("identifier")
        if identifier is not None and "value" in identifier:
            system = identifier.get("system", "")
            rows.terms += identifier_terms(prefix, system, identifier["value"])

    return emit


def _pointer(field: Field) -> Emit:
    mark, param, compartments = term(field.prefix), field.param, field.compartments

    def emit(literal: str, rows: Rows) -> None:
        if literal[:1] == "#":  # a contained resource is no target of a search
            return
        located = locate(literal, rows.base_url)
        rows.terms.append(mark ^ located.key)
        if located.local:
            rows.references.append((param, located.key))
            if located.type in compartments:
                rows.terms.append(COMPARTMENT ^ located.key)

    return emit


def _canonical(field: Field, _: Element | None) -> Emit:
    point = _pointer(field)
    mark, present = term(field.prefix), field.present

    def emit(value: str, rows: Rows) -> None:
        rows.terms.append(present)
        unversioned, bar, _version = value.partition("|")
        point(unversioned, rows)
        if bar:
            rows.terms.append(mark ^ term(value))

    return emit


def _resource(field: Field, _: Element | None) -> Emit:
    """A resource in place of a reference: the first entry of a document or message Bundle."""
    point = _pointer(field)
    present, targets = field.present, field.targets

    def emit(value: dict[str, Any], rows: Rows) -> None:
        kind, identity = value.get("resourceType"), value.get("id")
        if kind in targets:
            rows.terms.append(present)
            if identity:
                point(f"{kind}/{identity}", rows)

    return emit


EMITTERS: Emitters = MappingProxyType(
    {
        "Reference": _reference,
        "canonical": _canonical,
        "uri": _canonical,
        "Resource": _resource,
    }
)
