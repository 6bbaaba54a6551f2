"""The codes of a value set out of its compose, https://hl7.org/fhir/R4/valueset.html#compositions.

It is the same for R4's own value sets, when the facts are derived, and for those that are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import jsonschema_rs

Resource = dict[str, Any]
Codes = Mapping[str, frozenset[str]]
"""By code system."""

MOST = 100_000
"""Codes of one value set: above it an expansion costs more than any use of it is worth."""

_LONGEST_PATTERN = 200


class NotEnumerable(Exception):
    """Nobody here knows all codes; the message says which and why, after "it" or a name."""


@dataclass(frozen=True, slots=True)
class CodeSystem:
    """What is known of a code system."""

    codes: frozenset[str]
    parents: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """Code to the codes right above it; those without are left out."""
    properties: Mapping[str, Mapping[str, frozenset[str]]] | None = None
    """Code to property to values as text; None when they are not kept."""
    complete: bool = True
    """Whether the codes are all that there are."""


@dataclass(frozen=True, slots=True)
class Known:
    """Where to look things up."""

    system: Callable[[str], CodeSystem | None]
    value_set: Callable[[str], Codes]
    """Takes a canonical URL; NotEnumerable when its codes are not known."""


def compose(value_set: Resource, known: Known) -> dict[str, frozenset[str]]:
    """Return the codes; NotEnumerable when a part of them is not known."""
    parts = value_set.get("compose", {})
    if not parts.get("include"):
        raise NotEnumerable("it neither includes nor expands to any codes.")
    united = _unite(_include(include, known) for include in parts["include"])
    for exclude in parts.get("exclude", ()):
        gone = _exclude(exclude, united, known)
        united = {system: codes - gone.get(system, frozenset()) for system, codes in united.items()}
    return {system: codes for system, codes in united.items() if codes}


def _exclude(exclude: Resource, united: Codes, known: Known) -> Codes:
    """Return what goes; where a system goes whole, nobody has to know its codes."""
    if "system" in exclude and set(exclude) <= {"system", "version"}:
        return {exclude["system"]: united.get(exclude["system"], frozenset())}
    return _include(exclude, known)


def expanded(value_set: Resource) -> dict[str, frozenset[str]] | None:
    """Return what its expansion contains; None when it has none, or only a page of it."""
    expansion = value_set.get("expansion", {})
    contained = list(_contained(expansion.get("contains", ())))
    if not contained or expansion.get("total", 0) > len(contained):
        return None
    return _unite({system: frozenset({code})} for system, code in contained if code)


def _contained(entries: Iterable[Resource]) -> Iterator[tuple[str, str]]:
    """Yield system and code, "" for a heading, which is not to be chosen."""
    for entry in entries:
        chosen = not entry.get("abstract", False)
        yield entry.get("system", ""), entry.get("code", "") if chosen else ""
        yield from _contained(entry.get("contains", ()))


def _unite(parts: Iterable[Codes]) -> dict[str, frozenset[str]]:
    united: dict[str, set[str]] = {}
    for part in parts:
        for system, codes in part.items():
            united.setdefault(system, set()).update(codes)
        if sum(map(len, united.values())) > MOST:
            raise NotEnumerable(f"it has more than {MOST:,} codes.")
    return {system: frozenset(codes) for system, codes in united.items()}


def _include(include: Resource, known: Known) -> Codes:
    """Everything that one include states holds at once."""
    imported = _imported(include.get("valueSet", ()), known)
    if "system" not in include:
        return imported or {}
    system = include["system"]
    codes = _of_system(include, known)
    if imported is not None:
        codes &= imported.get(system, frozenset())
    return {system: codes}


def _imported(urls: Sequence[str], known: Known) -> Codes | None:
    """Unite the named value sets, as the element's definition has it."""
    return _unite(known.value_set(url) for url in urls) if urls else None


def _of_system(include: Resource, known: Known) -> frozenset[str]:
    if "concept" in include:
        return frozenset(concept["code"] for concept in include["concept"])
    system = known.system(include["system"])
    if system is None or not system.complete:
        raise NotEnumerable(f"it includes codes of {include['system']}, which are not known here.")
    codes = system.codes
    for each in include.get("filter", ()):
        codes &= _filtered(each, system)
    return codes


def _filtered(asked: Resource, system: CodeSystem) -> frozenset[str]:
    operator, value = asked.get("op", ""), asked.get("value", "")
    if operator not in _OPERATORS:
        raise NotEnumerable(f"its filter by {operator!r} is not supported.")
    return _OPERATORS[operator](system, asked.get("property", ""), value)


def ancestors(parents: Mapping[str, frozenset[str]], code: str) -> frozenset[str]:
    """Return the code and all codes above it."""
    found = {code}
    waiting = [code]
    while waiting:
        above = parents.get(waiting.pop(), frozenset()) - found
        found |= above
        waiting += above
    return frozenset(found)


def descendants(parents: Mapping[str, frozenset[str]], code: str) -> frozenset[str]:
    """Return the code and all codes below it."""
    return ancestors(inverted(parents), code)


def inverted(parents: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return children by parent for parents by child, and the other way round."""
    children: dict[str, set[str]] = {}
    for child, above in parents.items():
        for parent in above:
            children.setdefault(parent, set()).add(child)
    return {parent: frozenset(below) for parent, below in children.items()}


def _is_a(system: CodeSystem, _property: str, value: str) -> frozenset[str]:
    return descendants(system.parents, value) & system.codes


def _below(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    return _is_a(system, name, value) - {value}


def _is_not_a(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    return system.codes - _is_a(system, name, value)


def _generalizes(system: CodeSystem, _property: str, value: str) -> frozenset[str]:
    return ancestors(system.parents, value) & system.codes


def _equal(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    return _having(system, name, lambda found: found == value)


def _in(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    listed = {each.strip() for each in value.split(",")}
    return _having(system, name, lambda found: found in listed)


def _not_in(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    return system.codes - _in(system, name, value)


def _exists(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    having = _having(system, name, lambda _: True)
    return having if value == "true" else system.codes - having


def _regex(system: CodeSystem, name: str, value: str) -> frozenset[str]:
    return _having(system, name, _pattern(value))


def _pattern(text: str) -> Callable[[str], bool]:
    """Return what matches the whole text, in time linear to it: who stores a pattern may mean harm."""
    if len(text) > _LONGEST_PATTERN:
        raise NotEnumerable(f"its filter's pattern {text[:40]!r} is too long.")
    try:
        validator = jsonschema_rs.validator_for(
            {"pattern": f"^(?:{text})$"}, pattern_options=jsonschema_rs.RegexOptions()
        )
    except ValueError as error:
        raise NotEnumerable(f"its filter's pattern {text!r} cannot be read.") from error
    return validator.is_valid


def _having(system: CodeSystem, name: str, fits: Callable[[str], bool]) -> frozenset[str]:
    if name in ("code", "concept"):
        return frozenset(code for code in system.codes if fits(code))
    if name in ("parent", "child"):
        related = system.parents if name == "parent" else inverted(system.parents)
        return frozenset(code for code, others in related.items() if any(map(fits, others)))
    if system.properties is None:
        raise NotEnumerable(f"its filter needs the property {name!r}, which is not known here.")
    return frozenset(
        code
        for code, properties in system.properties.items()
        if any(map(fits, properties.get(name, ())))
    )


_OPERATORS: Mapping[str, Callable[[CodeSystem, str, str], frozenset[str]]] = MappingProxyType(
    {
        "=": _equal,
        "is-a": _is_a,
        "descendent-of": _below,
        "is-not-a": _is_not_a,
        "generalizes": _generalizes,
        "in": _in,
        "not-in": _not_in,
        "exists": _exists,
        "regex": _regex,
    }
)
"""https://hl7.org/fhir/R4/valueset-filter-operator.html"""


def code_system(resource: Resource) -> CodeSystem:
    """Take a CodeSystem apart; concepts lie below those they are written in, or as properties say."""
    codes: set[str] = set()
    parents: dict[str, set[str]] = {}
    properties: dict[str, dict[str, frozenset[str]]] = {}
    for concept, above in _concepts(resource.get("concept", ()), ""):
        code = concept["code"]
        codes.add(code)
        own = _properties(concept)
        properties[code] = {**own, "display": frozenset({concept.get("display", "")})}
        parents.setdefault(code, set()).update(own.get("parent", ()), own.get("subsumedBy", ()))
        if above:
            parents[code].add(above)
        for child in own.get("child", ()):
            parents.setdefault(child, set()).add(code)
    return CodeSystem(
        frozenset(codes),
        {code: frozenset(above) for code, above in parents.items() if above},
        properties,
        resource.get("content") == "complete",
    )


def _concepts(listed: Sequence[Resource], above: str) -> Iterator[tuple[Resource, str]]:
    for concept in listed:
        yield concept, above
        yield from _concepts(concept.get("concept", ()), concept["code"])


def _properties(concept: Resource) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for each in concept.get("property", ()):
        for name, value in each.items():
            if name.startswith("value"):
                found.setdefault(each["code"], set()).add(_text(value))
    return {name: frozenset(values) for name, values in found.items()}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return str(value).lower() if isinstance(value, bool) else str(value)
