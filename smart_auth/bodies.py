"""What a form or a script sent: small, of the kind it says, each name once."""

from __future__ import annotations

import json as codec
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request

Form = Mapping[str, str]
LARGEST = 64 * 1024
MOST_FIELDS = 300
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


async def form(request: Request) -> Form:
    """Return the fields of a form, for Depends; of a name given twice the last one counts."""
    return dict(await fields(request))


async def fields(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form in order, names with several values too (ticked boxes)."""
    text = await _body(request, FORM)
    try:
        found = parse_qsl(
            text.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except (UnicodeDecodeError, ValueError):
        raise HTTPException(400, "The form cannot be read: send UTF-8 fields.") from None
    if any("\0" in name or "\0" in value for name, value in found):
        raise HTTPException(400, "The form holds the character NUL (U+0000); leave it out.")
    return found


async def json(request: Request) -> Mapping[str, Any]:
    """Return the JSON object that was sent, for Depends.

    Only JSON's own media type is taken: a page of another site cannot send that without being asked for leave.
    """
    raw = await _body(request, JSON)
    try:
        found = codec.loads(raw)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body cannot be read: send a JSON object.") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "The body has to be a JSON object.")
    if _unstorable(codec.dumps(found, ensure_ascii=False)):
        raise HTTPException(400, "The body holds NUL (U+0000) or half a character; leave it out.")
    return found


def _unstorable(text: str) -> bool:
    """Tell whether JSON holds what no UTF-8 text in the database can: NUL, a lone surrogate."""
    return "\\u0000" in text or any("\ud800" <= letter <= "\udfff" for letter in text)


async def _body(request: Request, kind: str) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise HTTPException(415, f"Send the body as {kind}.")
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > LARGEST:
            raise HTTPException(413, f"The body may have {LARGEST} bytes at most.")
    return bytes(parts)
