"""The codes of one code system, their properties and hierarchy, https://hl7.org/fhir/R4/codesystem.html."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Parents = Mapping[str, frozenset[str]]
"""Codes right above each code that has any."""

PARENT, CHILDREN = ("parent", "subsumedBy"), ("child",)
"""Properties that state the hierarchy, https://hl7.org/fhir/R4/codesystem.html#defined-props."""


@dataclass(frozen=True, slots=True)
class System:
    """A code system as value sets select from it."""

    url: str
    complete: bool
    """Whether all of its codes are listed."""
    properties: Mapping[str, Mapping[str, frozenset[str]]]
    """Of each code its values by property; no property where only the codes are known."""
    parents: Parents
    children: Parents = field(default_factory=dict)

    def below(self, code: str) -> frozenset[str]:
        """Return the code itself and all codes under it."""
        return closure(self.children, code)

    def above(self, code: str) -> frozenset[str]:
        """Return the code itself and all codes over it."""
        return closure(self.parents, code)


def of_resource(resource: Mapping[str, Any]) -> System:
    """Read a CodeSystem; only what has content `complete` lists all its codes."""
    listed = list(_walk(resource.get("concept", ()), ""))
    properties = {concept["code"]: _properties(concept) for concept, _ in listed}
    parents = _parents(listed)
    complete = resource.get("content") == "complete"
    return System(resource.get("url", ""), complete, properties, parents, inverse(parents))


def inverse(parents: Mapping[str, Sequence[str] | frozenset[str]]) -> Parents:
    """Return the codes right below each code."""
    found: dict[str, set[str]] = {}
    for code, above in parents.items():
        for each in above:
            found.setdefault(each, set()).add(code)
    return {code: frozenset(below) for code, below in found.items()}


def closure(steps: Parents, code: str) -> frozenset[str]:
    """Return the code and all that steps lead to; circles are walked once."""
    found: set[str] = set()
    left = [code]
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left.extend(steps.get(each, ()))
    return frozenset(found)


def _walk(
    concepts: Sequence[Mapping[str, Any]], above: str
) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each concept with the code that it is nested in."""
    left = [(concept, above) for concept in reversed(concepts)]
    while left:
        concept, above = left.pop()
        yield concept, above
        left += [(each, concept["code"]) for each in reversed(concept.get("concept", ()))]


def _properties(concept: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for each in concept.get("property", ()):
        value = next((text for name, text in each.items() if name.startswith("value")), None)
        found.setdefault(each["code"], set()).add(_text(value))
    if "display" in concept:
        found.setdefault("display", set()).add(concept["display"])
    return {name: frozenset(values) for name, values in found.items()}


def _text(value: Any) -> str:
    """Return the value as a filter writes it; a Coding by its code."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code", "")) if isinstance(value, dict) else str(value)


def _parents(listed: Sequence[tuple[Mapping[str, Any], str]]) -> Parents:
    found: dict[str, set[str]] = {}
    for concept, above in listed:
        code = concept["code"]
        pairs = [(code, above)] if above else []
        for each in concept.get("property", ()):
            if each["code"] in PARENT and "valueCode" in each:
                pairs.append((code, each["valueCode"]))
            elif each["code"] in CHILDREN and "valueCode" in each:
                pairs.append((each["valueCode"], code))
        for lower, upper in pairs:
            found.setdefault(lower, set()).add(upper)
    return {code: frozenset(above) for code, above in found.items()}
