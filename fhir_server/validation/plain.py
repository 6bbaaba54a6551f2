"""The fast lane: tell in microseconds that a resource is plainly valid.

Of a resource within a resource (https://hl7.org/fhir/R4/references.html#contained, Bundle entries,
Parameters) each is looked at as its own type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from fhir_server.definitions import structures
from fhir_server.validation import fhirpath_rules, references, schema
from fhir_server.validation.checks import checks

Node = Mapping[str, Any]


def is_plain(resource: Any) -> bool:
    """Tell whether the resource is valid beyond doubt; False says that it needs the exact walk."""
    try:
        return _is_plain(resource)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError):
        return False  # not JSON, or of a shape that the schema did not ask about


def _is_plain(resource: dict[str, Any]) -> bool:
    kind = resource["resourceType"]
    if not structures.is_resource_type(kind):
        return False
    test = _test(kind)
    if test is None:
        return False
    if "contained" in resource:
        return _is_container_plain(resource)
    return test(resource) and (
        kind not in _INSIDE or all(_is_plain(inner) for inner in _INSIDE[kind](resource))
    )


def _is_container_plain(resource: dict[str, Any]) -> bool:
    contained = references.contained_types(resource)
    alike = references.resolved(resource, contained)
    test = _test(alike["resourceType"])
    if test is None or len(contained) != len(alike["contained"]) or not test(alike):
        return False
    return all(_is_contained_plain(inner) for inner in alike["contained"])


def _is_contained_plain(resource: dict[str, Any]) -> bool:
    meta = resource.get("meta", {})
    if "contained" in resource or not meta.keys().isdisjoint(FORBIDDEN_META):
        return False
    return _is_plain(resource)


FORBIDDEN_META = frozenset({"versionId", "lastUpdated", "security"})
"""What dom-4 and dom-5 forbid in a contained resource's meta."""


@cache
def _test(kind: str) -> Callable[[dict[str, Any]], bool] | None:
    """Return the whole test of a type but for resources inside; None when there is none."""
    if fhirpath_rules.rules(kind):
        return None
    is_valid: Callable[[Any], bool] = schema.validator().is_valid
    functions = tuple(check.holds for check in checks(kind))
    if not functions:
        return lambda resource: is_valid({kind: resource})
    return lambda resource: (
        is_valid({kind: resource}) and all(holds(resource) for holds in functions)
    )


def _in_entries(bundle: Node) -> Iterator[Any]:
    for entry in bundle.get("entry", ()):
        if "resource" in entry:
            yield entry["resource"]
        if "outcome" in entry.get("response", ()):
            yield entry["response"]["outcome"]


def _in_parameters(holder: Node, name: str = "parameter") -> Iterator[Any]:
    for parameter in holder.get(name, ()):
        if "resource" in parameter:
            yield parameter["resource"]
        yield from _in_parameters(parameter, "part")


_INSIDE: Mapping[str, Callable[[Node], Iterator[Any]]] = {
    "Bundle": _in_entries,
    "Parameters": _in_parameters,
}
