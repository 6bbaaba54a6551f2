"""Canonical URLs: what names a resource has, and what names one, as terms that match each other.

https://hl7.org/fhir/R4/references.html#canonical. A name is `url|version`, or `url|` for a resource
of any version. What has the name carries NAMED # term(name), what uses it parameter # term(name), so
that either is found from the other's terms by one exclusive or.
"""

from __future__ import annotations

from fhir_server.codec import Resource
from fhir_server.search.fields import Field, fields
from fhir_server.search.paths import Path
from fhir_server.search.term import term

_TYPES = ("canonical", "uri")
_NAMED = term("named")


def paths(listed: Field) -> tuple[Path, ...]:
    """Return the reference parameter's paths to canonical URLs; () when it has none."""
    return tuple(path for path in listed.paths if path.type in _TYPES)


def can_be_named(resource_type: str) -> bool:
    """Tell whether resources of the type have a canonical URL."""
    known = fields(resource_type)
    return "url" in known and known["url"].type == "uri"


def names(resource: Resource, url: str) -> list[int]:
    """Return the terms of a resource's own names."""
    written = [f"{url}|", *([f"{url}|{resource['version']}"] if "version" in resource else [])]
    return [_NAMED ^ term(each) for each in written]


def name(canonical: str) -> int:
    """Return the term of the name that a canonical reference uses, yet without parameter."""
    return term(canonical if "|" in canonical else f"{canonical}|")


def difference(listed: Field) -> int:
    """Return what to change a resource's names by to get the terms of what uses them so."""
    return _NAMED ^ term(listed.prefix)
