"""Bundles that the server makes, assembled from stored texts and never parsed again.

https://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fhir_server.codec import encode


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; the parts are JSON text."""

    full_url: str = ""
    resource: bytes | None = None
    search: bytes | None = None
    request: bytes | None = None
    response: bytes | None = None


def bundle(
    type_: str,
    entries: Iterable[Entry],
    base: str = "",
    path: str = "",
    links: Sequence[tuple[str, str]] = (),
    total: int | None = None,
) -> bytes:
    """Return the text; links are (relation, query) below base and path."""
    address = f"{base}/{path}".rstrip("/")
    parts = [
        b'"resourceType":"Bundle"',
        b'"id":"%b"' % str(uuid.uuid4()).encode(),
        b'"type":"%b"' % type_.encode(),
    ]
    if total is not None:
        parts.append(b'"total":%d' % total)
    if links:
        stated = [
            {"relation": relation, "url": f"{address}?{query}" if query else address}
            for relation, query in links
        ]
        parts.append(b'"link":' + encode(stated))
    texts = b",".join([_text(entry) for entry in entries])
    if texts:
        parts.append(b'"entry":[' + texts + b"]")
    return b"{" + b",".join(parts) + b"}"


def _text(entry: Entry) -> bytes:
    parts = []
    if entry.full_url:
        parts.append(b'"fullUrl":' + encode(entry.full_url))
    for name, text in (
        (b"resource", entry.resource),
        (b"search", entry.search),
        (b"request", entry.request),
        (b"response", entry.response),
    ):
        if text is not None:
            parts.append(b'"%b":%b' % (name, text))
    return b"{" + b",".join(parts) + b"}"
