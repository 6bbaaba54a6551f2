"""Codes of every value set that R4 enumerates, and of the code systems that they are made of.

https://hl7.org/fhir/R4/terminologies.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_server.definitions.composition import (
    Codes,
    CodeSystem,
    Known,
    NotEnumerable,
    code_system,
    compose,
    expanded,
    inverted,
)
from fhir_server.definitions.derive.currencies import CURRENCIES, ISO_4217
from fhir_server.definitions.derive.package import Package, Resource, unversioned


def systems(package: Package) -> dict[str, CodeSystem]:
    """Return the code systems that R4 defines, by URL; and the currencies."""
    defined = {
        each["url"]: code_system(each)
        for each in package.resources["CodeSystem"]
        if each["content"] not in ("supplement", "not-present")
    }
    return {**defined, ISO_4217: CodeSystem(frozenset(CURRENCIES))}


def code_systems(package: Package) -> Resource:
    """Return codes by complete system, and children by parent by system that nests."""
    found = sorted(systems(package).items())
    return {
        "codes": {url: sorted(each.codes) for url, each in found if each.complete},
        "children": {
            url: {parent: sorted(below) for parent, below in sorted(_children(each).items())}
            for url, each in found
            if each.parents
        },
    }


def _children(system: CodeSystem) -> Mapping[str, frozenset[str]]:
    return inverted(system.parents)


def expansions(package: Package) -> Resource:
    """Return codes by system by value set; null where they are all codes of the system."""
    known = systems(package)
    composed = package.by_url("ValueSet")
    rows: Resource = {}
    for url, value_set in composed.items():
        try:
            codes = _expand(value_set, known, composed, ())
        except NotEnumerable:
            continue
        rows[url] = {system: _row(listed, known.get(system)) for system, listed in codes.items()}
    return rows


def _row(codes: frozenset[str], system: CodeSystem | None) -> list[str] | None:
    whole = system is not None and system.complete and system.codes == codes
    return None if whole else sorted(codes)


def _expand(
    value_set: Resource,
    systems_: Mapping[str, CodeSystem],
    composed: Mapping[str, dict[str, Any]],
    path: tuple[str, ...],
) -> Codes:
    url = value_set["url"]
    if url in path:
        raise NotEnumerable("it includes itself.")

    def find(canonical: str) -> Codes:
        other = composed.get(canonical) or composed.get(unversioned(canonical))
        if other is None:
            raise NotEnumerable(f"it includes {canonical}, which R4 does not define.")
        return _expand(other, systems_, composed, (*path, url))

    try:
        return dict(sorted(compose(value_set, Known(systems_.get, find)).items()))
    except NotEnumerable:
        listed = expanded(value_set)
        if listed is None:
            raise
        return dict(sorted(listed.items()))
