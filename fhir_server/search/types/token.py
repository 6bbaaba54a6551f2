"""Tokens: codes, identifiers, booleans, https://hl7.org/fhir/R4/search.html#token."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from fhir_server.definitions import value_sets
from fhir_server.definitions.composition import NotEnumerable
from fhir_server.definitions.structures import Element
from fhir_server.search.escape import split, unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import HasTerm, InTexts, Predicate, any_of
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.term import fact, text_param
from fhir_server.search.types.string import normalise

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


def _add_texts(param: int, concept: dict[str, Any], rows: Rows) -> None:
    """Add what `:text` finds of a CodeableConcept; text_param has the number."""
    if "text" in concept:
        _add_text(param, concept["text"], rows)
    for coding in concept.get("coding", ()):
        if "display" in coding:
            _add_text(param, coding["display"], rows)


def _add_text(param: int, text: str, rows: Rows) -> None:
    # Nothing is left of a text of combining characters only, and no search begins with nothing.
    if value := normalise(text):
        rows.texts.append((param, value))


def _codeable_concept(field: Field, _: Element | None) -> Emit:
    present, key, texts = field.present, (field.prefix, field.folded), text_param(field.param)

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        for coding in value.get("coding", ()):
            rows.terms += _terms(key, coding.get("system", NO_SYSTEM), coding.get("code", ""))
        _add_texts(texts, value, rows)

    return emit


def _coding(field: Field, _: Element | None) -> Emit:
    present, key, texts = field.present, (field.prefix, field.folded), text_param(field.param)

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        rows.terms += _terms(key, value.get("system", NO_SYSTEM), value.get("code", ""))
        if "display" in value:
            _add_text(texts, value["display"], rows)

    return emit


def _identifier(field: Field, _: Element | None) -> Emit:
    present, prefix, key = field.present, field.prefix, (field.prefix, field.folded)
    texts = text_param(field.param)

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        number, kind = value.get("value", ""), value.get("type", {})
        rows.terms += _terms(key, value.get("system", NO_SYSTEM), number)
        if kind:
            _add_texts(texts, kind, rows)
        if number:
            for coding in kind.get("coding", ()):
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
        for system in systems.get(value, (NO_SYSTEM,)):
            rows.terms += _terms(key, system, value)

    return emit


def _systems(binding: str | None) -> Mapping[str, tuple[str, ...]]:
    """Return code to systems: those that a required binding implies, seldom more than one."""
    found: dict[str, tuple[str, ...]] = {}
    for system, codes in ((binding and value_sets.codes(binding)) or {}).items():
        for code in codes:
            found[code] = (*found.get(code, ()), system)
    return MappingProxyType(found)


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


WIDE = ("in", "not-in", "above", "below")
"""Modifiers with which one value may stand for thousands of codes."""
MODIFIERS = ("not", "text", "of-type", *WIDE)


def read(field: Field, modifier: str, text: str, reading: Reading) -> Predicate:
    """Return the predicate of `code`, `system|code`, `|code` or `system|`, or of a modifier's value."""
    return _READERS[modifier](field, text, reading)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(unescape(part) for part in split(text, "|"))


def _read_code(field: Field, text: str, _: Reading) -> Predicate:
    parts = _parts(text)
    if len(parts) > 2 or not any(parts):
        raise refuse(field, text, "write code, system|code, |code or system|.")
    system, code = parts if len(parts) == 2 else (None, parts[0])
    code = code.casefold() if field.folded else code
    if system is None:
        return HasTerm(any_system(field.prefix, code))
    if not code:
        return HasTerm(system_only(field.prefix, system))
    return HasTerm(with_system(field.prefix, system, code))


def _read_of_type(field: Field, text: str, _: Reading) -> Predicate:
    parts = _parts(text)
    if not any(path.type == "Identifier" for path in field.paths):
        raise refuse(field, text, ":of-type is for identifiers only.")
    if len(parts) != 3 or not all(parts):
        raise refuse(field, text, "write the type's system|code|value.")
    system, code, value = parts
    return HasTerm(of_type(field.prefix, system, code.casefold(), value.casefold()))


def _read_text(field: Field, text: str, _: Reading) -> Predicate:
    if not any(path.type in _WITH_TEXT for path in field.paths):
        raise refuse(field, text, ":text is for codings, concepts and identifiers only.")
    value = normalise(unescape(text))
    if not value:
        raise refuse(field, text, "write the beginning of a text.")
    return InTexts(text_param(field.param), value)


def _read_in(field: Field, text: str, reading: Reading) -> Predicate:
    try:
        codes = reading.terminology.expansion(unescape(text))
    except NotEnumerable as error:
        raise refuse(field, text, str(error)) from error
    return _any_code(field, text, codes)


def _any_code(field: Field, text: str, codes: Mapping[str, Collection[str]]) -> Predicate:
    """Return the predicate of any of the codes, which are given by system."""
    if sum(map(len, codes.values())) > _MOST_CODES:
        raise refuse(field, text, f"it stands for more than {_MOST_CODES:,} codes.")
    folded, prefix = field.folded, field.prefix
    terms = {
        with_system(prefix, system, code.casefold() if folded else code)
        for system, listed in codes.items()
        for code in listed
    }
    # No entry has an empty code: what stands for no codes finds nothing.
    return any_of(*(HasTerm(each) for each in sorted(terms or {any_system(prefix, "")})))


def _read_above(field: Field, text: str, reading: Reading) -> Predicate:
    return _read_related(field, text, reading, reading.terminology.ancestors)


def _read_below(field: Field, text: str, reading: Reading) -> Predicate:
    return _read_related(field, text, reading, reading.terminology.descendants)


def _read_related(
    field: Field, text: str, reading: Reading, related: Callable[[str, str], Collection[str]]
) -> Predicate:
    parts = _parts(text)
    if len(parts) > 2 or not parts[-1]:
        raise refuse(field, text, "write system|code, or code where only one code system has it.")
    code = parts[-1]
    system = parts[0] if len(parts) == 2 else _only_system(field, text, code, reading)
    try:
        codes = related(system, code) if system else (code,)
    except NotEnumerable as error:
        raise refuse(field, text, str(error)) from error
    return _any_code(field, text, {system: codes})


def _only_system(field: Field, text: str, code: str, reading: Reading) -> str:
    """Return the system that a code alone means: of those that the element implies, or are known.

    Where none is known, the code may still have others above and below it, in a system elsewhere or
    deep in a stored one, so to look for it alone would hide results.
    """
    bound = (path.element.binding if path.element else None for path in field.paths)
    implied = {system for each in bound for system in _systems(each).get(code, ())}
    found = sorted(implied or reading.terminology.systems_of(code))
    if len(found) > 1:
        listed = ", ".join(found[:3])
        raise refuse(
            field, text, f"several code systems have it, such as {listed}; put one before."
        )
    if not found:
        raise refuse(field, text, "no hierarchy known here has it; write system|code.")
    return found[0]


_WITH_TEXT = frozenset({"CodeableConcept", "Coding", "Identifier"})
_MOST_CODES = 10_000
_READERS: Mapping[str, Callable[[Field, str, Reading], Predicate]] = MappingProxyType(
    {
        "": _read_code,
        "of-type": _read_of_type,
        "text": _read_text,
        "in": _read_in,
        "above": _read_above,
        "below": _read_below,
    }
)
"""By modifier; those that negate are read as what they negate."""
