"""Composite parameters, https://hl7.org/fhir/R4/search.html#composite."""

from __future__ import annotations

import re
from collections.abc import Callable

from fhir_server.definitions import search_parameters
from fhir_server.definitions.search_parameters import SearchParameter
from tests.oracle import paths, references
from tests.oracle.escape import divide
from tests.oracle.paths import Resource, Value
from tests.oracle.world import READABLE

Decide = Callable[[str, list[Value], str], bool]
"""Decides one part: parameter type, values, text."""


def matches(resource: Resource, composite: SearchParameter, text: str, decide: Decide) -> bool:
    """Decide whether one element has all the parts."""
    parts = divide(text, "$")
    for element in elements(resource, composite):
        found = part_values(resource, composite, element)
        listed = zip(composite.components, found, parts, strict=True)
        if all(decide(type_of(url), values, part) for (url, _), values, part in listed):
            return True
    return False


def elements(resource: Resource, composite: SearchParameter) -> list[Value]:
    """Return the elements in which the parts have to stand together."""
    return paths.values(resource, composite.expression)


def part_values(
    resource: Resource, composite: SearchParameter, element: Value
) -> list[list[Value]]:
    return [
        [
            value
            for part in _mended(expression).split("|")
            for value in paths.evaluated(element.node, part.strip(), resource)
            if value.type in READABLE.get(type_of(url), references.TYPES)
        ]
        for url, expression in composite.components
    ]


def type_of(url: str) -> str:
    return search_parameters.by_url(url).type


def _mended(expression: str) -> str:
    for pattern, text in paths.MENDED:
        expression = re.sub(pattern, text, expression)
    return expression
