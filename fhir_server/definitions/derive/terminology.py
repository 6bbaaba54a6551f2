"""The codes of R4's code systems and value sets, and what lies below what.

https://hl7.org/fhir/R4/terminologies.html
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fhir_server.definitions.code_systems import System, of_resource
from fhir_server.definitions.compositions import Codes, NotEnumerable, Sources, codes_of
from fhir_server.definitions.derive.currencies import CURRENCIES, ISO_4217
from fhir_server.definitions.derive.package import Package, Resource, unversioned

Listed = dict[str, list[str]]


def expansions(package: Package) -> dict[str, Any]:
    """Return the codes of complete systems, and those of the value sets that can be enumerated.

    A value set has null instead of the codes of a system that it takes whole.
    """
    systems = _systems(package)
    whole = {
        url: sorted(system.properties)
        for url, system in systems.items()
        if system.complete and system.properties
    }
    found = _Expander(package.by_url("ValueSet"), systems).all()
    return {
        "systems": dict(sorted(whole.items())),
        "valueSets": {url: _compact(codes, whole) for url, codes in found.items()},
    }


def hierarchies(package: Package) -> dict[str, Any]:
    """Return the codes right above each code, of the systems that have a hierarchy."""
    return {
        url: {code: sorted(above) for code, above in sorted(system.parents.items())}
        for url, system in sorted(_systems(package).items())
        if system.parents
    }


def _systems(package: Package) -> dict[str, System]:
    found = {each["url"]: of_resource(each) for each in package.resources["CodeSystem"]}
    codes: dict[str, dict[str, frozenset[str]]] = {code: {} for code in CURRENCIES}
    return {**found, ISO_4217: System(ISO_4217, complete=True, properties=codes, parents={})}


class _Expander:
    """Expands each value set once, however many include it."""

    def __init__(self, resources: Mapping[str, Resource], systems: Mapping[str, System]) -> None:
        self.resources = resources
        self.systems = systems
        self.found: dict[str, Codes | None] = {}

    def all(self) -> dict[str, Codes]:
        expanded = {url: self._expanded(url, frozenset()) for url in sorted(self.resources)}
        return {url: codes for url, codes in expanded.items() if codes}

    def _expanded(self, url: str, within: frozenset[str]) -> Codes | None:
        if url not in self.found:
            try:
                self.found[url] = self._composed(url, within)
            except NotEnumerable:
                self.found[url] = None
        return self.found[url]

    def _composed(self, url: str, within: frozenset[str]) -> Codes:
        if url in within or url not in self.resources:
            raise NotEnumerable(url)
        included = partial(self._included, within | {url})
        return codes_of(self.resources[url], Sources(self.systems.get, included))

    def _included(self, within: frozenset[str], url: str) -> Codes:
        codes = self._expanded(unversioned(url), within)
        if codes is None:
            raise NotEnumerable(url)
        return codes


def _compact(codes: Codes, whole: Listed) -> dict[str, list[str] | None]:
    listed = {system: sorted(each) for system, each in sorted(codes.items())}
    return {system: None if each == whole.get(system) else each for system, each in listed.items()}
