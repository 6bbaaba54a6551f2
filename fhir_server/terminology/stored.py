"""What is known of codes from ValueSets and CodeSystems that are stored, and else from R4's own.

https://hl7.org/fhir/R4/valueset.html, https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from fhir_server.codec import Resource, decode_again
from fhir_server.database import Connection
from fhir_server.definitions import code_systems, composition
from fhir_server.definitions.composition import (
    Codes,
    CodeSystem,
    Known,
    NotEnumerable,
    code_system,
    compose,
    expanded,
)
from fhir_server.search.escape import escape
from fhir_server.search.parse import parse
from fhir_server.search.reading import R4, Terminology
from fhir_server.search.term import resource_key
from fhir_server.storage import resources, searches
from fhir_server.storage.resources import Version

Ask = Callable[[Connection], list[Version]]
Lend = Callable[[Ask], list[Version]]
"""Lends a connection to what asks."""

_DEEPEST = 20
_MOST_LOOKUPS = 200
_LOCAL = re.compile(r"ValueSet/([A-Za-z0-9\-.]{1,64})")


@dataclass(frozen=True, slots=True)
class _Stored:
    """The terminology of one search: what it has looked up is not looked up again."""

    lend: Lend
    base: str
    systems: dict[str, CodeSystem | None] = field(default_factory=dict)
    expansions: dict[str, Codes] = field(default_factory=dict)


def terminology(lend: Lend, base: str) -> Terminology:
    """Return what is known; nothing is looked up before it is asked for.

    base: the server's own FHIR base URL, no final slash.
    """
    stored = _Stored(lend, base)

    def of_value_set(name: str) -> Codes:
        return _expand(stored, name, ())

    def ancestors(system: str, code: str) -> frozenset[str]:
        found = _stored_system(stored, system)
        if found is None:
            return R4.ancestors(system, code)
        return composition.ancestors(found.parents, code)

    def descendants(system: str, code: str) -> frozenset[str]:
        found = _stored_system(stored, system)
        if found is None:
            return R4.descendants(system, code)
        return composition.descendants(found.parents, code)

    def systems_of(code: str) -> frozenset[str]:
        return R4.systems_of(code) | _systems_of(stored, code)

    return Terminology(of_value_set, ancestors, descendants, systems_of)


def _expand(stored: _Stored, name: str, path: tuple[str, ...]) -> Codes:
    """Return the codes of a value set by its canonical URL or address; path: those that include it."""
    if name in path:
        raise NotEnumerable(f"{name!r} includes itself.")
    if len(path) > _DEEPEST:
        raise NotEnumerable(f"{path[0]!r} includes value sets more than {_DEEPEST} deep.")
    if name not in stored.expansions:
        value_set = _value_set(stored, name)
        stored.expansions[name] = (
            R4.expansion(name) if value_set is None else _composed(stored, value_set, name, path)
        )
    return stored.expansions[name]


def _composed(stored: _Stored, value_set: Resource, name: str, path: tuple[str, ...]) -> Codes:
    ready = expanded(value_set)
    if ready is not None:
        return ready
    known = Known(lambda url: _system(stored, url), lambda url: _expand(stored, url, (*path, name)))
    try:
        return compose(value_set, known)
    except NotEnumerable as error:
        raise NotEnumerable(f"{name!r} cannot be used: {error}") from error


def _value_set(stored: _Stored, name: str) -> Resource | None:
    """Return the stored value set; None when none has the name."""
    local = _LOCAL.fullmatch(name.removeprefix(f"{stored.base}/"))
    if local is None:
        return _by_url(stored, "ValueSet", name)
    key = resource_key(f"ValueSet/{local[1]}")
    found = stored.lend(lambda connection: _current(connection, key))
    if not found:
        raise NotEnumerable(f"there is no ValueSet/{local[1]} on this server.")
    return _content(found[0])


def _current(connection: Connection, key: int) -> list[Version]:
    version = resources.read(connection, key)
    return [version] if version is not None and version.content is not None else []


def _system(stored: _Stored, url: str) -> CodeSystem | None:
    return _stored_system(stored, url) or code_systems.code_system(url)


def _stored_system(stored: _Stored, url: str) -> CodeSystem | None:
    if url not in stored.systems:
        found = _by_url(stored, "CodeSystem", url)
        stored.systems[url] = code_system(found) if found else None
    return stored.systems[url]


def _by_url(stored: _Stored, resource_type: str, canonical: str) -> Resource | None:
    """Return the resource of the canonical URL, the version that is asked for if it is there."""
    url, _, version = canonical.partition("|")
    if not url:
        raise NotEnumerable(f"{canonical!r} is no canonical URL; write url or url|version.")
    if len(stored.systems) + len(stored.expansions) > _MOST_LOOKUPS:
        raise NotEnumerable(f"it takes more than {_MOST_LOOKUPS} code systems and value sets.")
    named = [("url", escape(url))]
    found = _find(stored, resource_type, [*named, ("version", escape(version))]) if version else []
    found = found or _find(stored, resource_type, named)
    return _content(found[0]) if found else None


def _find(
    stored: _Stored, resource_type: str, pairs: list[tuple[str, str]], limit: int = 1
) -> list[Version]:
    """Return the newest resources that the criteria find."""
    query = parse(resource_type, [*pairs, ("_sort", "-_lastUpdated")])
    return stored.lend(lambda connection: searches.first(connection, query, limit))


def _content(version: Version) -> Resource:
    resource: Resource = decode_again((version.content or "{}").encode())
    return resource


def _systems_of(stored: _Stored, code: str) -> frozenset[str]:
    """Return the stored systems in whose hierarchies the code stands."""
    found = _find(stored, "CodeSystem", [("code", escape(code))], _DEEPEST)
    systems = ((each["url"], code_system(each)) for each in map(_content, found) if "url" in each)
    return frozenset(
        url
        for url, system in systems
        if code in system.parents or code in composition.inverted(system.parents)
    )
