"""Codes, identifiers and flags, https://hl7.org/fhir/R4/search.html#token."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions import value_sets
from tests.oracle.escape import divide, plain
from tests.oracle.paths import Value, element
from tests.oracle.strings import fold

_FLAGS = "http://terminology.hl7.org/CodeSystem/special-values"
_PLAIN = frozenset({"string", "id", "uri", "url", "canonical", "oid", "uuid", "markdown"})
TYPES = _PLAIN | {"Coding", "CodeableConcept", "Identifier", "ContactPoint", "code", "boolean"}

Codes = Collection[tuple[str, str]]
"""Pairs of system and code."""


@dataclass(frozen=True, slots=True)
class Token:
    code: str
    systems: frozenset[str]
    """More than one only where a code element's value set has the code in several systems."""
    cased: bool = False


def tokens(values: list[Value]) -> Iterator[Token]:
    for value in values:
        yield from _tokens(value)


def _tokens(value: Value) -> Iterator[Token]:
    data: Any = value.data
    match value.type:
        case "CodeableConcept":
            for coding in data.get("coding", ()):
                yield _of(coding, "code")
        case "Coding":
            yield _of(data, "code")
        case "Identifier":
            yield _of(data, "value")
        case "ContactPoint":
            yield Token(data.get("value", ""), frozenset({""}))
        case "boolean":
            yield Token(str(data).lower(), frozenset({_FLAGS}))
        case "id":  # a resource's own is compared with case, as in its URL
            yield Token(data, frozenset({""}), cased=value.place.count(".") == 1)
        case "code":
            yield Token(data, implied_systems(value), cased=True)
        case _:
            yield Token(data, frozenset({""}))


def _of(data: dict[str, Any], name: str) -> Token:
    return Token(data.get(name, ""), frozenset({data.get("system", "")}))


def implied_systems(value: Value) -> frozenset[str]:
    """Return the code systems that the element's required binding takes the code from."""
    bound = element(value.place)
    if not bound or not bound.binding:
        return frozenset({""})
    enumerated = value_sets.codes(bound.binding) or {}
    systems = [system for system, codes in enumerated.items() if value.data in codes]
    return frozenset(systems) or frozenset({""})


def _same(token: Token, code: str) -> bool:
    return code == token.code if token.cased else code.casefold() == token.code.casefold()


def matches(values: list[Value], text: str) -> bool:
    """Decide code, system|code, |code and system|."""
    parts = [plain(part) for part in divide(text, "|")]
    for token in tokens(values):
        if len(parts) == 1:
            if _same(token, parts[0]):
                return True
        elif parts[0] in token.systems and (not parts[1] or _same(token, parts[1])):
            return True
    return False


def of_type(values: list[Value], text: str) -> bool:
    """Decide type-system|type-code|value on identifiers."""
    system, code, wanted = (plain(part) for part in divide(text, "|"))
    for value in values:
        types = tokens([Value("CodeableConcept", value.data.get("type", {}))])
        typed = any(system in each.systems and _same(each, code) for each in types)
        if typed and value.data.get("value", "").casefold() == wanted.casefold():
            return True
    return False


def has_text(values: list[Value], text: str) -> bool:
    """Decide :text, which begins a display or text."""
    return any(fold(each).startswith(fold(plain(text))) for each in displays(values))


def displays(values: list[Value]) -> Iterator[str]:
    for value in values:
        concept = {
            "CodeableConcept": value.data,
            "Coding": {"coding": [value.data]},
            "Identifier": value.data.get("type", {}) if value.type == "Identifier" else {},
        }.get(value.type, {})
        found = [each.get("display", "") for each in concept.get("coding", ())]
        yield from (each for each in [concept.get("text", ""), *found] if each)


def among(values: list[Value], codes: Codes) -> bool:
    """Decide :in, for a value set given as its codes."""
    return any(
        system in token.systems and _same(token, code)
        for token in tokens(values)
        for system, code in codes
    )


def subsumed(
    values: list[Value], text: str, parents: Mapping[str, Mapping[str, Collection[str]]], way: str
) -> bool:
    """Decide :below and :above; parents: of each code system the codes right above each code."""
    parts = [plain(part) for part in divide(text, "|")]
    known = (
        [parts[0]] if len(parts) > 1 else [each for each in parents if parts[0] in parents[each]]
    )
    if len(known) != 1:
        return matches(values, text)
    system, code = known[0], parts[-1]
    above = parents.get(system, {})
    if way == "above":
        return among(values, {(system, each) for each in _upwards(above, code)})
    below = {each for each in above if code in _upwards(above, each)} | {code}
    return among(values, {(system, each) for each in below})


def _upwards(parents: Mapping[str, Collection[str]], code: str) -> set[str]:
    found, left = set(), [code]
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left.extend(parents.get(each, ()))
    return found
