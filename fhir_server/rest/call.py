"""What an interaction is given, and how its resource goes out. https://hl7.org/fhir/R4/http.html#ops"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhir_server import codec, outcome
from fhir_server.context import Store
from fhir_server.errors import Malformed, UnsupportedMediaType
from fhir_server.rest import formats, headers, xml
from fhir_server.rest.web import FHIR_JSON, Request, Response
from fhir_server.storage.resources import Version

Dispatch = Callable[[Any, "Limits", Request], Response]
FHIR_XML = b"application/fhir+xml; charset=utf-8"
SUMMARIES = ("true", "text", "data", "count", "false")
RESULT_PARAMETERS = frozenset({"_format", "_pretty", "_summary", "_elements"})


@dataclass(frozen=True, slots=True)
class Limits:
    body: int = 64 << 20
    page: int = 50
    largest_page: int = 1000
    includes: int = 1000
    """Resources that _include and _revinclude add to a page at most."""
    search_cost: float = 2_000_000
    """Units of PostgreSQL's planner that one search may be expected to cost."""
    explain: bool = False
    """Whether `_explain` tells the plan of a search."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, its path taken apart."""

    store: Store
    limits: Limits
    request: Request
    type: str = ""
    id: str = ""
    version: str = ""
    operation: str = ""
    member: str = ""
    """Type that is searched within the compartment of type and id; "*" for all."""
    parameters: list[tuple[str, str]] = field(default_factory=list)
    dispatch: Dispatch = field(default=None)  # type: ignore[assignment]
    """How an entry of a bundle finds its interaction."""
    routes: frozenset[tuple[str, str]] = frozenset()
    """Every shape and method there is, for the CapabilityStatement."""

    def parameter(self, name: str) -> str | None:
        return next((value for key, value in self.parameters if key == name), None)

    def criteria(self) -> list[tuple[str, str]]:
        """Return the parameters that say which resources, not how to show them."""
        return [pair for pair in self.parameters if pair[0] not in RESULT_PARAMETERS]

    def prefers(self, name: str) -> str:
        return headers.prefer(self.request.header("prefer"), name)

    def format(self) -> str:
        """Return "json" or "xml"; NotAcceptable for anything else."""
        asked = self.parameter("_format") if self.parameters else None
        return formats.negotiate(self.request.header("accept"), asked)

    def sent(self) -> codec.Body:
        """Return the resource in the body; which has to be of the type in the path, if there is one."""
        body = self.any_sent()
        if self.type and body.resource["resourceType"] != self.type:
            raise Malformed(
                f"The body is a {body.resource['resourceType']}, but the address says {self.type}.",
                "resourceType",
            )
        return body

    def any_sent(self) -> codec.Body:
        if self.sent_kind("json", "xml") == "xml":
            return codec.made(xml.from_xml(self.request.body))
        return codec.body(self.request.body)

    def sent_kind(self, *allowed: str) -> str:
        """Return what the body is by its Content-Type; UnsupportedMediaType when it is none of those allowed."""
        stated = self.request.header("content-type")
        kind = formats.content_kind(stated)
        if kind not in allowed:
            raise UnsupportedMediaType(f"The Content-Type {stated!r} is not for this address.")
        return kind


def show(call: Call, status: int, text: str | bytes, extra: list[tuple[bytes, bytes]]) -> Response:
    """Answer with a resource's text in the form that the client asked for."""
    body = text.encode() if isinstance(text, str) else text
    if call.parameters:
        body = _shaped(call, body)
    if call.format() == "xml":
        return Response(status, xml.to_xml(codec.decode(body)), extra, FHIR_XML)
    return Response(status, body, extra, FHIR_JSON)


def _shaped(call: Call, body: bytes) -> bytes:
    asked: Mapping[str, str] = dict(call.parameters)
    body = shape(asked, body)
    return codec.pretty(body) if asked.get("_pretty") == "true" else body


def shape(asked: Mapping[str, str], body: bytes) -> bytes:
    """Apply _summary and _elements to one resource."""
    summary, names = summary_of(asked), asked.get("_elements")
    if summary in ("false", "count") and not names:
        return body
    resource = codec.decode(body)
    if names:
        return codec.encode(formats.elements(resource, tuple(names.split(","))))
    return codec.encode(formats.summarise(resource, summary))


def summary_of(asked: Mapping[str, str]) -> str:
    """Return which of the five summaries is wanted; Malformed when it is another."""
    summary = asked.get("_summary", "false")
    if summary not in SUMMARIES:
        raise Malformed(f"_summary takes {', '.join(SUMMARIES)}, not {summary!r}.", "_summary")
    return summary


def written(call: Call, version: Version, status: int) -> Response:
    """Answer a create, update or patch as Prefer: return asks; the resource itself by default."""
    extra = headers.versioned(version)
    location = f"{call.store.base}/{version.type}/{version.id}/_history/{version.version}"
    extra.append((b"location", location.encode()))
    preference = call.prefers("return")
    if preference == "minimal":
        return Response(status, b"", extra)
    if preference == "OperationOutcome":
        said = outcome.information(
            f"{version.type}/{version.id} is stored as version {version.version}."
        )
        return show(call, status, codec.encode(said), extra)
    return show(call, status, version.content or "", extra)
