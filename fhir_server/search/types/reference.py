"""References and canonicals, https://hl7.org/fhir/R4/search.html#reference."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element
from fhir_server.search import naming
from fhir_server.search.escape import split, unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import HasTerm, Predicate, any_of
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.references import locate
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.term import COMPARTMENT, fact, reference_term, term


def identifier_terms(prefix: str, system: str, value: str) -> tuple[int, int]:
    """Return the terms of `:identifier=system|value` and `:identifier=value`."""
    named, value = f"{prefix}:identifier", value.casefold()
    return fact(named, system, value), fact(named, value)


def identifier_system(prefix: str, system: str) -> int:
    """Return the term of `:identifier=system|`."""
    return fact(f"{prefix}:identifier", system, "")


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
        if identifier is not None and "system" in identifier:
            rows.terms.append(identifier_system(prefix, identifier["system"]))

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
        point(value.partition("|")[0], rows)
        rows.terms.append(mark ^ naming.name(value))

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


MODIFIERS = ("identifier",)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def read(field: Field, modifier: str, text: str, reading: Reading) -> Predicate:
    """Return the predicate of `id`, `Type/id`, a URL, or with :identifier of a token."""
    if modifier == "identifier":
        return _read_identifier(field, text)
    literal = unescape(text)
    if not _ID.fullmatch(literal):
        located = locate(literal, reading.base_url)
        if modifier and located.type != modifier:
            raise refuse(field, text, f"with :{modifier} it has to refer to a {modifier}.")
        return HasTerm(reference_term(field.prefix, located.target))
    targets = (modifier,) if modifier else field.targets or structures.resource_types()
    meant = [f"{name}/{literal}" for name in targets if name in (field.resolved or targets)]
    if not field.resolved or not meant:
        # A logical name such as a canonical "urn" has no slash either, so the text itself may be meant.
        meant = [*meant, literal]
    return any_of(*(HasTerm(reference_term(field.prefix, each)) for each in meant))


def _read_identifier(field: Field, text: str) -> Predicate:
    parts = tuple(unescape(part) for part in split(text, "|"))
    if len(parts) > 2 or not any(parts):
        raise refuse(field, text, "write value, system|value or system|.")
    if not parts[-1]:
        return HasTerm(identifier_system(field.prefix, parts[0]))
    with_system, anywhere = identifier_terms(field.prefix, parts[0], parts[-1])
    return HasTerm(with_system if len(parts) == 2 else anywhere)
