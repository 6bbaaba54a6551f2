"""A searchset Bundle out of the rows that were found. https://hl7.org/fhir/R4/bundle.html#searchset"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from fhir_server.bundles import Entry, bundle
from fhir_server.codec import encode
from fhir_server.errors import Issue
from fhir_server.outcome import outcome
from fhir_server.rest.call import Call, shape
from fhir_server.storage.contained import is_contained
from fhir_server.storage.includes import Included
from fhir_server.storage.resources import Version
from fhir_server.storage.searches import Page

_MATCH = encode({"mode": "match"})
# Of words there is no better or worse match here: all of them have to be there.
_SCORED = encode({"mode": "match", "score": 1})
_WORDS = frozenset({"_text", "_content"})
_INCLUDE = encode({"mode": "include"})
_OUTCOME = encode({"mode": "outcome"})

Parameters = Sequence[tuple[str, str]]


def bundle_of(
    call: Call,
    used: Parameters,
    own: Parameters,
    warnings: Sequence[Issue],
    page: Page,
    more: Included,
    total: int | None,
    notes: Sequence[Issue] = (),
) -> bytes:
    """Return the Bundle's text: matches, what was included, and what has to be said about both.

    warnings: of parameters that were ignored; notes: of what is searched as asked, but not whole.
    """
    asked = dict(call.parameters)
    said = [*warnings, *notes, *([] if more.complete else [_truncated(call)])]
    match = _MATCH if _WORDS.isdisjoint(name for name, _ in used) else _SCORED
    entries = [_entry(call, row.version, asked, match) for row in page.rows]
    entries += [_entry(call, version, asked, _INCLUDE) for version in more.versions]
    if said:
        entries.append(Entry(resource=encode(outcome(said)), search=_OUTCOME))
    path = call.request.path.removesuffix("_search").rstrip("/")
    if call.member == "*":
        path = f"{call.type}/{call.id}/*"
    links = list(_links(call, used, own, page))
    return bundle("searchset", entries, call.store.base, path, links, total)


def _truncated(call: Call) -> Issue:
    return Issue(
        "too-costly",
        f"More than {call.limits.includes} resources were to be included, and the rest was left out: "
        "ask for fewer matches a page (_count), or search for the others by themselves.",
        severity="warning",
    )


def _links(call: Call, used: Parameters, own: Parameters, page: Page) -> Iterator[tuple[str, str]]:
    """Yield relation and query; the self link says what was searched for, not what was ignored."""
    kept = [pair for pair in own if pair[0] != "_page"]
    as_asked = sorted([*used, *own]) == sorted(call.parameters)
    yield "self", call.request.query if as_asked else urlencode([*used, *own])
    if page.rows or call.parameter("_page"):
        yield "first", urlencode([*used, *kept])
    if page.previous:
        # R4's own examples say previous, the registry it binds to says prev.
        for relation in ("prev", "previous"):
            yield relation, urlencode([*used, *kept, ("_page", page.previous)])
    if page.next:
        yield "next", urlencode([*used, *kept, ("_page", page.next)])


def _entry(call: Call, version: Version, asked: dict[str, str], mode: bytes) -> Entry:
    return Entry(
        f"{call.store.base}/{_address(version)}",
        shape(asked, (version.content or "").encode()),
        search=mode,
    )


def _address(version: Version) -> str:
    """Return "Type/id"; of a contained resource "Type/id#inner" of its container."""
    return version.id if is_contained(version) else f"{version.type}/{version.id}"
