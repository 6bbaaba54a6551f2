"""Codes of required value sets out of ValueSet.compose, https://hl7.org/fhir/R4/valueset.html#compositions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fhir_server.definitions.derive.currencies import CURRENCIES, ISO_4217
from fhir_server.definitions.derive.package import Package, Resource

Codes = dict[str, list[str]]


def value_sets(package: Package, urls: Sequence[str]) -> list[Resource]:
    """Return one row for each URL; its codes are null when the package does not enumerate them."""
    composed = package.by_url("ValueSet")
    systems = _complete_systems(package)
    return [{"url": url, "codes": _compose(composed.get(url), systems)} for url in urls]


def _complete_systems(package: Package) -> Codes:
    complete = {
        system["url"]: list(_codes(system.get("concept", ())))
        for system in package.resources["CodeSystem"]
        if system["content"] == "complete"
    }
    return {**complete, ISO_4217: list(CURRENCIES)}


def _codes(concepts: Sequence[Resource]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", ()))


def _compose(value_set: Resource | None, systems: Mapping[str, list[str]]) -> Codes | None:
    """Unite the includes; none of these value sets uses exclude, filter or another value set."""
    if value_set is None or "exclude" in value_set["compose"]:
        return None
    united: Codes = {}
    for include in value_set["compose"]["include"]:
        codes = _include(include, systems)
        if codes is None:
            return None
        united.setdefault(include["system"], []).extend(codes)
    return {system: sorted(set(codes)) for system, codes in sorted(united.items())}


def _include(include: Resource, systems: Mapping[str, list[str]]) -> list[str] | None:
    if "filter" in include or "valueSet" in include:
        return None
    if "concept" in include:
        return list(_codes(include["concept"]))
    return systems.get(include["system"])
