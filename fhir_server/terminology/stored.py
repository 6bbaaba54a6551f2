"""What is known of codes: R4's facts first, then ValueSets and CodeSystems stored on the server.

Nothing is looked up before a modifier asks. https://hl7.org/fhir/R4/valueset.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fhir_server.codec import decode
from fhir_server.definitions import code_systems, expansions, hierarchies
from fhir_server.definitions.code_systems import System
from fhir_server.definitions.compositions import Codes, NotEnumerable, Sources, codes_of
from fhir_server.search.escape import escape
from fhir_server.search.parse import parse
from fhir_server.search.query import Query
from fhir_server.search.reading import Terminology
from fhir_server.storage.resources import Version

Search = Callable[[Query], Sequence[Version]]
"""Returns the first page of a query's matches."""

R4_VERSION = "4.0.1"
_REFERENCE = re.compile(r"ValueSet/([A-Za-z0-9\-.]{1,64})")
_MOST_LOOKUPS = 200
_DEEPEST = 20
_MOST_SYSTEMS = 2


def stored(search: Search) -> Terminology:
    """Return the terminology for one request: what it has looked up, it keeps."""
    library = _Library(search)
    return Terminology(
        codes=library.codes,
        ancestors=library.ancestors,
        descendants=library.descendants,
        systems_of=library.systems_of,
    )


class _Library:
    """Looks up each stored value set and code system once."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._lookups = 0
        self._value_sets: dict[str, Codes] = {}
        self._systems: dict[str, System | None] = {}
        self._open: list[str] = []
        """The value sets that are being composed, the outermost first."""

    def codes(self, name: str) -> Codes:
        """Return the codes of a canonical URL, with or without version, or of "ValueSet/id"."""
        if name not in self._value_sets:
            if name in self._open:
                raise NotEnumerable(f"the value set {name} includes itself.")
            if len(self._open) >= _DEEPEST:
                raise NotEnumerable(f"value sets include each other more than {_DEEPEST} deep.")
            self._open.append(name)
            try:
                self._value_sets[name] = self._expand(name)
            finally:
                self._open.pop()
        return self._value_sets[name]

    def _expand(self, name: str) -> Codes:
        reference = _REFERENCE.fullmatch(name)
        if reference:
            return self._compose(name, self._find("ValueSet", _id=reference[1]))
        url, _, version = name.partition("|")
        if not url:
            raise NotEnumerable("a canonical URL begins with the URL, then comes |version.")
        exact = self._find("ValueSet", url=url, version=version) if _other(version) else None
        if exact is None and (codes := expansions.expansion(url)) is not None:
            return codes
        return self._compose(name, exact or self._find("ValueSet", url=url))

    def _compose(self, name: str, resource: Mapping[str, Any] | None) -> Codes:
        if resource is None:
            raise NotEnumerable(
                f"neither R4 lists the codes of {name} nor is it stored on this server."
            )
        return codes_of(resource, Sources(self._system, self.codes))

    def _system(self, url: str) -> System | None:
        """Return the system as R4 lists it, else as it is stored."""
        codes = expansions.codes(url)
        if codes is None:
            return self._stored_system(url)
        plain: dict[str, dict[str, frozenset[str]]] = {code: {} for code in codes}
        above, below = hierarchies.parents(url), hierarchies.children(url)
        return System(url, complete=True, properties=plain, parents=above, children=below)

    def _stored_system(self, url: str) -> System | None:
        if url not in self._systems:
            found = self._find("CodeSystem", url=url)
            self._systems[url] = code_systems.of_resource(found) if found else None
        return self._systems[url]

    def ancestors(self, system: str, code: str) -> frozenset[str]:
        if hierarchies.parents(system) or expansions.codes(system):
            return hierarchies.ancestors(system, code)
        found = self._stored_system(system)
        return found.above(code) if found else frozenset({code})

    def descendants(self, system: str, code: str) -> frozenset[str]:
        if hierarchies.parents(system) or expansions.codes(system):
            return hierarchies.descendants(system, code)
        found = self._stored_system(system)
        return found.below(code) if found else frozenset({code})

    def systems_of(self, code: str) -> frozenset[str]:
        """Return R4's systems and stored ones; of those only codes at their top are indexed."""
        return hierarchies.systems_of(code).union(self._stored_with(code))

    def _stored_with(self, code: str) -> Iterator[str]:
        for resource in self._look_up("CodeSystem", _MOST_SYSTEMS, code=code):
            if "url" in resource:
                yield resource["url"]

    def _find(self, kind: str, **criteria: str) -> Mapping[str, Any] | None:
        """Return the newest that fulfils the criteria."""
        return next(iter(self._look_up(kind, 1, **criteria)), None)

    def _look_up(self, kind: str, count: int, **criteria: str) -> list[Mapping[str, Any]]:
        self._lookups += 1
        if self._lookups > _MOST_LOOKUPS:
            raise NotEnumerable(
                f"it takes more than {_MOST_LOOKUPS} stored value sets and code systems."
            )
        pairs = [(name, escape(value)) for name, value in criteria.items()]
        query = parse(kind, [*pairs, ("_sort", "-_lastUpdated"), ("_count", str(count))])
        return [decode((each.content or "{}").encode()) for each in self._search(query)]


def _other(version: str) -> bool:
    """Tell whether another version than R4's own is asked for."""
    return version not in ("", R4_VERSION)
