"""Binary: content of some size, or of somebody, lies in the blob store, not in the row, https://hl7.org/fhir/R4/binary.html."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

from fhir_server.codec import Body, encode, join, members
from fhir_server.storage.blobs import Blobs
from fhir_server.storage.resources import Version

LARGEST_IN_ROW = 64 * 1024


def detach(body: Body, blobs: Blobs) -> tuple[Body, str | None]:
    """Move a large Binary's bytes into the blob store; returns the rest and the blob's name."""
    text = body.resource.get("data")
    if body.resource["resourceType"] != "Binary" or not isinstance(text, str):
        return body, None
    # What belongs to somebody is kept where it is encrypted, however small.
    if len(text) <= LARGEST_IN_ROW and "securityContext" not in body.resource:
        return body, None
    rest = {name: value for name, value in body.resource.items() if name != "data"}
    parts = {name: value for name, value in members(body.text).items() if name != "data"}
    return Body(rest, join(parts.items())), _put(text, blobs)


def _put(text: str, blobs: Blobs) -> str:
    content = decode(text)
    if base64.b64encode(content).decode() == text:
        return "raw:" + blobs.put(content)
    # Line breaks in the base64 text would be lost: keep it as it was sent.
    return "text:" + blobs.put(text.encode())


def attach(version: Version, blobs: Blobs) -> Version:
    """Put the data back as the last property."""
    if version.blob is None or version.content is None:
        return version
    form, _, name = version.blob.partition(":")
    stored = blobs.get(name)
    text = stored.decode() if form == "text" else base64.b64encode(stored).decode()
    return replace(version, content=f'{version.content[:-1]},"data":{encode(text).decode()}}}')


def decode(text: str) -> bytes:
    """Decode base64 that may hold white space; b"" when it is not base64 (validation has refused that)."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
