"""Which codes a ValueSet has: its compose, or the expansion it carries.

https://hl7.org/fhir/R4/valueset.html#compositions. Conditions within one include all have to hold,
also when it names several value sets; R4's own text of `include` says so, that of `valueSet` does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from fhir_server.definitions.code_systems import CHILDREN, PARENT, System

Codes = Mapping[str, frozenset[str]]
"""Codes by code system, "" for none."""
Resource = Mapping[str, Any]

_UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"


class NotEnumerable(Exception):
    """The codes of a value set cannot be listed; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a composition finds what it refers to."""

    system: Callable[[str], System | None]
    """By URL; only codes of complete systems count."""
    value_set: Callable[[str], Codes]
    """By canonical URL; raises NotEnumerable."""


def codes_of(value_set: Resource, sources: Sources) -> Codes:
    """Return all codes; NotEnumerable when some of them cannot be known."""
    if "compose" not in value_set:
        return _expanded(value_set)
    try:
        return _composed(value_set["compose"], sources)
    except NotEnumerable:
        # Who stored it may have had it expanded by a server that knows the code system.
        if "expansion" in value_set:
            return _expanded(value_set)
        raise


def _composed(compose: Resource, sources: Sources) -> Codes:
    included: dict[str, frozenset[str]] = {}
    for each in compose.get("include", ()):
        for system, codes in _selected(each, sources).items():
            included[system] = included.get(system, frozenset()) | codes
    for each in compose.get("exclude", ()):
        for system, codes in _excluded(each, included, sources).items():
            included[system] = included.get(system, frozenset()) - codes
    return {system: codes for system, codes in included.items() if codes}


def _excluded(include: Resource, included: Codes, sources: Sources) -> Codes:
    """Return what to take away; a whole system needs no list of its codes."""
    if "system" in include and set(include) <= {"system", "version"}:
        return {include["system"]: included.get(include["system"], frozenset())}
    return _selected(include, sources)


def _selected(include: Resource, sources: Sources) -> Codes:
    """Return the codes that meet all conditions of one include."""
    conditions = [sources.value_set(url) for url in include.get("valueSet", ())]
    if "system" in include:
        conditions.append({include["system"]: _of_system(include, sources)})
    if not conditions:
        raise NotEnumerable("one of its parts names neither code system nor value set.")
    return reduce(_both, conditions)


def _both(one: Codes, other: Codes) -> Codes:
    return {system: one[system] & other[system] for system in one if system in other}


def _of_system(include: Resource, sources: Sources) -> frozenset[str]:
    if "concept" in include:
        return frozenset(concept["code"] for concept in include["concept"])
    url = include["system"]
    system = sources.system(url)
    if system is None or not system.complete:
        raise NotEnumerable(f"this server does not have all codes of the code system {url}.")
    codes = frozenset(system.properties)
    for each in include.get("filter", ()):
        codes &= frozenset(_filtered(each, system))
    return codes


def _filtered(stated: Resource, system: System) -> Iterator[str]:
    """Yield the codes that fulfil one filter, https://hl7.org/fhir/R4/valueset-filter-operator.html."""
    name, operator, value = stated["property"], stated["op"], stated["value"]
    if operator in _HIERARCHICAL and name in ("concept", "code"):
        if value not in system.properties:
            raise NotEnumerable(f"the code system {system.url} has no code {value!r}.")
        yield from _HIERARCHICAL[operator](system, value)
    elif operator in _COMPARED:
        holds = _COMPARED[operator](value)
        for code in system.properties:
            if holds(_values(name, code, system)):
                yield code
    else:
        message = f"its filter {name} {operator} is not supported by this server."
        raise NotEnumerable(message)


_HIERARCHICAL: Mapping[str, Callable[[System, str], frozenset[str]]] = MappingProxyType(
    {
        "is-a": lambda system, code: system.below(code),
        "descendent-of": lambda system, code: system.below(code) - {code},
        "generalizes": lambda system, code: system.above(code),
        "is-not-a": lambda system, code: frozenset(system.properties) - system.below(code),
    }
)


def _values(name: str, code: str, system: System) -> frozenset[str]:
    """Return the code's values of a property; parents and children also where nesting states them."""
    if name in ("concept", "code"):
        return frozenset({code})
    if name in PARENT:
        return system.parents.get(code, frozenset())
    if name in CHILDREN:
        return system.children.get(code, frozenset())
    if not any(system.properties.values()):
        message = f"this server does not know the property {name!r} of the code system"
        raise NotEnumerable(f"{message} {system.url}.")
    return system.properties[code].get(name, frozenset())


Holds = Callable[[frozenset[str]], bool]


def _equals(value: str) -> Holds:
    return lambda values: value in values


def _in(value: str) -> Holds:
    wanted = _listed(value)
    return lambda values: not wanted.isdisjoint(values)


def _not_in(value: str) -> Holds:
    unwanted = _listed(value)
    return unwanted.isdisjoint


def _exists(value: str) -> Holds:
    return lambda values: bool(values) is (value == "true")


def _matches(value: str) -> Holds:
    """Match the whole value, in time linear to it: the pattern comes from outside."""
    try:
        pattern = jsonschema_rs.validator_for(
            {"type": "string", "pattern": f"^(?:{value})$"},
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except ValueError:
        message = f"its filter has the regular expression {value!r}, which cannot be read."
        raise NotEnumerable(message) from None
    return lambda values: any(pattern.is_valid(each) for each in values)


def _listed(value: str) -> frozenset[str]:
    return frozenset(each.strip() for each in value.split(","))


_COMPARED: Mapping[str, Callable[[str], Holds]] = MappingProxyType(
    {"=": _equals, "in": _in, "not-in": _not_in, "exists": _exists, "regex": _matches}
)


def _expanded(value_set: Resource) -> Codes:
    """Return the codes of the expansion; what is abstract is there to be searched with, too."""
    expansion = value_set.get("expansion", {})
    listed = list(_contained(expansion.get("contains", ())))
    unclosed = any(
        each.get("url") == _UNCLOSED and each.get("valueBoolean")
        for each in expansion.get("extension", ())
    )
    if not listed or unclosed or expansion.get("total", 0) > len(listed):
        raise NotEnumerable("it has no compose and no complete expansion.")
    found: dict[str, set[str]] = {}
    for each in listed:
        if "code" in each:
            found.setdefault(each.get("system", ""), set()).add(each["code"])
    return {system: frozenset(codes) for system, codes in found.items()}


def _contained(contains: Sequence[Resource]) -> Iterator[Resource]:
    left = list(contains)
    while left:
        each = left.pop()
        yield each
        left += each.get("contains", ())
