"""HTTP as plain values: a request in, a response out, and the ASGI code between them and the wire."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from fhir_server.errors import Malformed, TooLarge, UnsupportedMediaType, URITooLong

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

GZIP_FROM = 1400  # below one packet, compressing saves nothing
LONGEST_QUERY = 64 * 1024
LARGEST_RATIO = 200  # of inflated to received size, beyond 1 MiB: more is a bomb

FHIR_JSON = b"application/fhir+json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    """Below the FHIR base, without slashes at the ends."""
    query: str
    headers: Mapping[str, str]
    """By lower-case name; the last of repeated ones."""
    body: bytes = b""
    peer: str = ""
    """Network address of whoever is at the other end."""

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    def parameters(self) -> list[tuple[str, str]]:
        """Return the query's parameters in order; a form body's are not among them."""
        return pairs(self.query) if self.query else []


@dataclass(slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    content_type: bytes = FHIR_JSON


def pairs(encoded: str) -> list[tuple[str, str]]:
    """Split a query or form; names and values have to be UTF-8 without NUL."""
    try:
        found = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=20_000)
    except ValueError as error:
        raise Malformed(f"The parameters cannot be read: {error}.") from error
    if any("\x00" in name or "\x00" in value for name, value in found):
        raise Malformed("A parameter holds the character NUL.")
    return found


def headers_of(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def request_line(scope: Scope, mount: str) -> Request:
    """Return the request without its body."""
    query = scope["query_string"]
    if len(query) > LONGEST_QUERY:
        raise URITooLong(
            f"The query is longer than {LONGEST_QUERY} bytes; use POST _search instead."
        )
    path = scope["path"].removeprefix(mount).strip("/")
    if "\x00" in path:
        raise Malformed("The path holds the character NUL.")
    peer = (scope.get("client") or ("",))[0]
    return Request(scope["method"], path, query.decode("latin-1"), headers_of(scope), b"", peer)


async def read_body(receive: Receive, headers: Mapping[str, str], largest: int) -> bytes:
    """Read and inflate the body; TooLarge as soon as it is known to be over the limit."""
    declared = headers.get("content-length", "")
    # int() takes other scripts' digits for some, and refuses a few thousand of them.
    if declared.isascii() and declared.isdigit() and int(declared[:18]) > largest:
        raise too_large(largest)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The client went away before its body was complete.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > largest:
            raise too_large(largest)
        chunks.append(chunk)
        if not message.get("more_body"):
            return _inflate(b"".join(chunks), headers.get("content-encoding", ""), largest)


def too_large(largest: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than the {largest} bytes that this server takes; send it in parts."
    )


def _inflate(body: bytes, encoding: str, largest: int) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise UnsupportedMediaType(f"Content-Encoding {encoding!r} is not known here; use gzip.")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        inflated = inflater.decompress(body, largest + 1)
    except zlib.error as error:
        raise Malformed(f"The body is not {encoding}: {error}.") from error
    if len(inflated) > largest:
        raise too_large(largest)
    if len(inflated) > 1 << 20 and len(inflated) > LARGEST_RATIO * len(body):
        raise Malformed("The body inflates suspiciously far; send it uncompressed.")
    if not inflater.eof:
        raise Malformed(f"The {encoding} body is truncated.")
    return inflated


def _takes_gzip(request: Request) -> bool:
    for part in request.header("accept-encoding").split(","):
        coding, _, quality = part.replace(" ", "").lower().partition(";q=")
        if coding == "gzip":
            return quality.rstrip("0.") != "" or not quality
    return False


async def respond(send: Send, request: Request | None, response: Response) -> None:
    """Send; compressed when the client takes gzip and it is worth it, without body for HEAD."""
    body = response.body
    headers = response.headers
    if body:
        headers.append((b"content-type", response.content_type))
        if len(body) >= GZIP_FROM and request and _takes_gzip(request):
            body = gzip.compress(body, 1)
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    if response.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    hidden = request is not None and request.method == "HEAD"
    await send({"type": "http.response.body", "body": b"" if hidden else body})
