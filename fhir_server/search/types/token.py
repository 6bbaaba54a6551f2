"""Tokens: codes, identifiers, booleans, https://hl7.org/fhir/R4/search.html#token."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from fhir_server.definitions import value_sets
from fhir_server.definitions.structures import Element
from fhir_server.search.escape import split, unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import HasTerm, Predicate, any_of
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.term import fact
from fhir_server.search.types import concepts

BOOLEANS = "http://terminology.hl7.org/CodeSystem/special-values"
NO_SYSTEM = ""


def with_system(prefix: str, system: str, code: str) -> int:
    """Return the term of `system|code`; system is "" for a value that has none."""
    return fact(prefix, system, code)


def any_system(prefix: str, code: str) -> int:
    """Return the term of `code`."""
    return fact(prefix, code)


def system_only(prefix: str, system: str) -> int:
    """Return the term of `system|`."""
    return fact(prefix, system, "")


def of_type(prefix: str, system: str, code: str, value: str) -> int:
    """Return the term of `:of-type=system|code|value`."""
    return fact(f"{prefix}:of-type", system, code, value)


@lru_cache(maxsize=2**16)
def _terms(field: tuple[str, bool], system: str, code: str) -> tuple[int, ...]:
    prefix, folded = field
    whole = (system_only(prefix, system),) if system else ()
    if not code:
        return whole
    code = code.casefold() if folded else code
    return (*whole, with_system(prefix, system, code), any_system(prefix, code))


def _codeable_concept(field: Field, _: Element | None) -> Emit:
    present, key = field.present, (field.prefix, field.folded)

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        for coding in value.get("coding", ()):
            rows.terms += _terms(key, coding.get("system", NO_SYSTEM), coding.get("code", ""))

    return emit


def _coding(field: Field, _: Element | None) -> Emit:
    present, key = field.present, (field.prefix, field.folded)

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        rows.terms += _terms(key, value.get("system", NO_SYSTEM), value.get("code", ""))

    return emit


def _identifier(field: Field, _: Element | None) -> Emit:
    present, prefix, key = field.present, field.prefix, (field.prefix, field.folded)

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        number = value.get("value", "")
        rows.terms += _terms(key, value.get("system", NO_SYSTEM), number)
        if number and "type" in value:
            for coding in value["type"].get("coding", ()):
                system, code = coding.get("system", NO_SYSTEM), coding.get("code", "")
                rows.terms.append(of_type(prefix, system, code.casefold(), number.casefold()))

    return emit


def _contact_point(field: Field, _: Element | None) -> Emit:
    # ContactPoint.system says phone or email, which is no system of a token.
    present, key = field.present, (field.prefix, field.folded)

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        rows.terms += _terms(key, NO_SYSTEM, value.get("value", ""))

    return emit


def _code(field: Field, element: Element | None) -> Emit:
    present, key = field.present, (field.prefix, field.folded)
    systems = _systems(element.binding if element else None)

    def emit(value: str, rows: Rows) -> None:
        rows.terms.append(present)
        rows.terms += _terms(key, systems.get(value, NO_SYSTEM), value)

    return emit


def _systems(binding: str | None) -> Mapping[str, str]:
    """Return code to system: the system that a required binding implies."""
    listed = value_sets.codes(binding) if binding else None
    if not listed:
        return MappingProxyType({})
    return MappingProxyType({code: system for system, codes in listed.items() for code in codes})


def _plain(field: Field, _: Element | None) -> Emit:
    present, key = field.present, (field.prefix, field.folded)

    def emit(value: Any, rows: Rows) -> None:
        rows.terms.append(present)
        rows.terms += _terms(key, NO_SYSTEM, str(value))

    return emit


def _boolean(field: Field, _: Element | None) -> Emit:
    present, key = field.present, (field.prefix, field.folded)

    def emit(value: bool, rows: Rows) -> None:
        rows.terms.append(present)
        rows.terms += _terms(key, BOOLEANS, "true" if value else "false")

    return emit


EMITTERS: Emitters = MappingProxyType(
    {
        "CodeableConcept": _codeable_concept,
        "Coding": _coding,
        "Identifier": _identifier,
        "ContactPoint": _contact_point,
        "code": _code,
        "boolean": _boolean,
        "truth": _boolean,
        "string": _plain,
        "id": _plain,
        "uri": _plain,
    }
)


MODIFIERS = ("not", "of-type", *concepts.MODIFIERS)


def read(field: Field, modifier: str, text: str, reading: Reading) -> Predicate:
    """Return the predicate of `code`, `system|code`, `|code` or `system|`."""
    if modifier in concepts.MODIFIERS:
        return _any_of_codes(field, concepts.read(field, modifier, text, reading))
    parts = tuple(unescape(part) for part in split(text, "|"))
    if modifier == "of-type":
        return _read_of_type(field, parts, text)
    if len(parts) > 2 or not any(parts):
        raise refuse(field, text, "write code, system|code, |code or system|.")
    system, code = parts if len(parts) == 2 else (None, parts[0])
    code = code.casefold() if field.folded else code
    if system is None:
        return HasTerm(any_system(field.prefix, code))
    if not code:
        return HasTerm(system_only(field.prefix, system))
    return HasTerm(with_system(field.prefix, system, code))


def _any_of_codes(field: Field, codes: Mapping[str, frozenset[str]]) -> Predicate:
    terms = {
        with_system(field.prefix, system, code.casefold() if field.folded else code)
        for system, listed in codes.items()
        for code in listed
    }
    return any_of(*(HasTerm(each) for each in sorted(terms)))


def _read_of_type(field: Field, parts: tuple[str, ...], text: str) -> Predicate:
    if not any(path.type == "Identifier" for path in field.paths):
        raise refuse(field, text, ":of-type is for identifiers only.")
    if len(parts) != 3 or not all(parts):
        raise refuse(field, text, "write the type's system|code|value.")
    system, code, value = parts
    return HasTerm(of_type(field.prefix, system, code.casefold(), value.casefold()))
