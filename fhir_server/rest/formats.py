"""Which format is wanted or sent, and which elements of a resource go out.

https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/search.html#summary,
https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any

from fhir_server.codec import Resource
from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element
from fhir_server.errors import InvalidParameter, NotAcceptable, UnsupportedMediaType

_KINDS = {
    "application/fhir+json": "json",
    "application/json": "json",
    "text/json": "json",
    "application/fhir+xml": "xml",
    "application/xml": "xml",
    "text/xml": "xml",
}
_SENT_KINDS = {
    **_KINDS,
    "application/json-patch+json": "json-patch",
    "application/x-www-form-urlencoded": "form",
    "application/fhir+ndjson": "ndjson",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
}
_SHORT = {"json": "json", "xml": "xml"}
_VERSIONS = frozenset({"4.0", "4.0.1"})
_ALWAYS = frozenset({"resourceType", "id", "meta"})
_SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}


@dataclass(frozen=True, slots=True)
class _MediaRange:
    type: str
    quality: float
    usable: bool
    """False when it asks for a character set or FHIR version that is not spoken here."""
    place: int


def negotiate(accept: str, format_parameter: str | None) -> str:
    """Return "json" or "xml"; the _format parameter wins over the Accept header."""
    if format_parameter:
        return _of_parameter(format_parameter)
    return _of_accept(accept)


def content_kind(content_type: str) -> str:
    """Return "json", "xml", "json-patch", "form" or "ndjson"; UnsupportedMediaType for all else."""
    name, parameters = _media_type(content_type)
    if name not in _SENT_KINDS:
        sent = f"The Content-Type {name!r} is" if name else "The Content-Type is missing, so it is"
        raise UnsupportedMediaType(f"{sent} not supported; send application/fhir+json.")
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("FHIR is sent as UTF-8; leave out any other charset.")
    if parameters.get("fhirversion", "4.0") not in _VERSIONS:
        raise UnsupportedMediaType("This server speaks FHIR R4; send fhirVersion=4.0.")
    return _SENT_KINDS[name]


def _of_parameter(value: str) -> str:
    # an unescaped + of a query string arrives as a blank
    name, parameters = _media_type(value.strip().replace("fhir ", "fhir+"))
    kind = _SHORT.get(name) or _KINDS.get(name)
    if kind is None or parameters.get("fhirversion", "4.0") not in _VERSIONS:
        raise NotAcceptable(f"The _format {value!r} is not supported; use json or xml.")
    return kind


@lru_cache(maxsize=256)
def _of_accept(accept: str) -> str:
    ranges = _ranges(accept)
    if not ranges:
        return "json"
    best = {kind: _quality(kind, ranges) for kind in ("json", "xml")}
    kind = max(best, key=lambda each: best[each])  # json, the first, wins where all is equal
    if best[kind][0] <= 0:
        raise NotAcceptable(f"None of {accept!r} is supported; accept application/fhir+json.")
    return kind


def _ranges(accept: str) -> list[_MediaRange]:
    found = []
    for place, part in enumerate(accept.split(",")):
        name, parameters = _media_type(part)
        if not name:
            continue
        usable = parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8", "*")
        usable = usable and parameters.get("fhirversion", "4.0") in _VERSIONS
        found.append(_MediaRange(name, _number(parameters.get("q", "1")), usable, place))
    return found


def _quality(kind: str, ranges: list[_MediaRange]) -> tuple[float, int]:
    """Return the quality at which the kind is wanted and, for ties, how early it is named."""
    named = [each for each in ranges if _KINDS.get(each.type) == kind]
    for chosen in (named, _under(ranges, "application/*", "text/*"), _under(ranges, "*/*", "*")):
        if chosen:
            usable = [each for each in chosen if each.usable]
            found = max(((each.quality, -each.place) for each in usable), default=(0.0, 0))
            # a kind named by itself is meant before one that a wildcard lets through
            return found if chosen is named else (found[0], -len(ranges))
    return (0.0, 0)


def _under(ranges: list[_MediaRange], *names: str) -> list[_MediaRange]:
    return [each for each in ranges if each.type in names]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _media_type(text: str) -> tuple[str, dict[str, str]]:
    name, *rest = text.split(";")
    pairs = (part.partition("=") for part in rest)
    parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
    return name.strip().lower(), parameters


def summarise(resource: Resource, summary: str) -> Resource:
    """Return what _summary leaves of the resource; InvalidParameter for an unknown value.

    Of a Bundle, count leaves all but the entries; other resources are left whole by it.
    """
    if summary not in SUMMARIES:
        known = ", ".join(SUMMARIES)
        raise InvalidParameter(f"_summary is one of {known}; {summary!r} is not.", "_summary")
    return SUMMARIES[summary](resource)


def elements(resource: Resource, names: tuple[str, ...]) -> Resource:
    """Return the named elements of the root, with those a reader may not go without.

    A name may be written with its type ("Patient.name"); a choice with or without its [x].
    """
    kept = _named(resource["resourceType"], names)
    return _subsetted({name: value for name, value in resource.items() if _bare(name) in kept})


def _whole(resource: Resource) -> Resource:
    return resource


def _count(resource: Resource) -> Resource:
    if resource["resourceType"] != "Bundle":
        return resource
    return {name: value for name, value in resource.items() if name != "entry"}


def _without_text(resource: Resource) -> Resource:
    left = {name: value for name, value in resource.items() if name not in ("text", "_text")}
    return _subsetted(left)


def _only_text(resource: Resource) -> Resource:
    kept = _ALWAYS | _mandatory(resource["resourceType"]) | {"text"}
    return _subsetted({name: value for name, value in resource.items() if _bare(name) in kept})


def _only_summary(resource: Resource) -> Resource:
    return _subsetted(_summary_of(resource, resource["resourceType"]))


SUMMARIES: Mapping[str, Callable[[Resource], Resource]] = {
    "true": _only_summary,
    "text": _only_text,
    "data": _without_text,
    "count": _count,
    "false": _whole,
}


def _summary_of(content: Resource, path: str) -> Resource:
    kept = _summary(path)
    return {
        name: _narrowed(value, kept[_bare(name)])
        for name, value in content.items()
        if _bare(name) in kept
    }


def _narrowed(value: Any, path: str) -> Any:
    if not path:
        return value
    if isinstance(value, list):
        return [_narrowed(each, path) for each in value]
    if not isinstance(value, dict):
        return value
    return _summary_of(value, value["resourceType"] if path == "Resource" else path)


@cache
def _summary(path: str) -> Mapping[str, str]:
    """Return the properties that a summary keeps, each with the path that narrows it or ""."""
    found = structures.json_elements(path)
    kept = {
        name: _narrowing(element, type_code)
        for name, (element, type_code) in found.items()
        if element.summary or element.min > 0 or element.modifier
    }
    # Extension and such mark nothing: without their values they would say nothing
    if not any(element.summary for element, _ in found.values()):
        kept = dict.fromkeys(found, "")
    return MappingProxyType({**kept, "resourceType": ""})


def _narrowing(element: Element, type_code: str) -> str:
    if type_code == "Extension" or type_code not in structures.type_names():
        return ""
    if structures.kind(type_code) == "primitive-type":
        return ""
    return structures.child_path(element, type_code)


@cache
def _mandatory(resource_type: str) -> frozenset[str]:
    """Return the root's properties that have to be there, or that change what the rest means."""
    return frozenset(
        name
        for name, (element, _) in structures.json_elements(resource_type).items()
        if element.min > 0 or element.modifier
    )


@lru_cache(maxsize=512)
def _named(resource_type: str, names: tuple[str, ...]) -> frozenset[str]:
    wanted = {name.strip().removeprefix(f"{resource_type}.").removesuffix("[x]") for name in names}
    found = structures.json_elements(resource_type).items()
    chosen = {
        name
        for name, (element, _) in found
        if name in wanted or element.name.removesuffix("[x]") in wanted
    }
    return _ALWAYS | _mandatory(resource_type) | chosen


def _bare(name: str) -> str:
    return name[1:] if name[0:1] == "_" else name


def _subsetted(content: Resource) -> Resource:
    """Mark content as cut down, so that nobody stores it as if it were whole."""
    meta = content.get("meta", {})
    tags = meta.get("tag", [])
    if any(_SUBSETTED.items() <= tag.items() for tag in tags):
        return content
    marked = {**meta, "tag": [*tags, dict(_SUBSETTED)]}
    if "meta" in content:
        return {**content, "meta": marked}
    first: Resource = {name: content[name] for name in ("resourceType", "id") if name in content}
    return {**first, "meta": marked, **content}
