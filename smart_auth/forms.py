"""What clients send: forms and JSON, read with a limit and without surprises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from smart_auth.errors import OAuthError, invalid_request

LARGEST = 64 * 1024
"""Bytes of a body."""
_FORM = "application/x-www-form-urlencoded"

Form = Mapping[str, str]
"""Parameters by name; those sent without a value are left out (RFC 6749, section 3.2)."""


async def read_form(request: Request) -> Form:
    """Return the parameters of the body; OAuthError when it is no form, too large, or names one twice."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request)
    if body and kind != _FORM:
        raise invalid_request(f"Send the parameters in the body as Content-Type: {_FORM}.")
    return parse_form(body)


def parse_form(body: bytes) -> Form:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError as error:
        raise invalid_request(f"The body is not a form that can be read: {error}.") from error
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise invalid_request(f"The parameter {name} was sent more than once; send it once.")
        if "\0" in name or "\0" in value:
            raise invalid_request("A parameter holds the character NUL; leave it out.")
        form[name] = value
    return {name: value for name, value in form.items() if value}


async def read_json(request: Request) -> dict[str, Any]:
    """Return the JSON object of the body; OAuthError when it is none."""
    body = await read_body(request)
    try:
        read = json.loads(body)
        # Half of a surrogate pair and NUL are JSON, but no text that can be stored.
        storable = "\\u0000" not in json.dumps(read) and bool(
            json.dumps(read, ensure_ascii=False).encode()
        )
    except (ValueError, RecursionError) as error:
        raise _no_metadata("The body is not JSON.") from error
    if not isinstance(read, dict) or not storable:
        raise _no_metadata(
            "Send one JSON object, with text that has no NUL and no half characters."
        )
    return read


async def read_body(request: Request) -> bytes:
    """Return the body; OAuthError (413) when it is larger than 64 kB."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise OAuthError("invalid_request", f"A body may have {LARGEST} bytes.", 413)
    return body


def needed(form: Form, name: str) -> str:
    """Return the parameter; OAuthError when it is not there."""
    if name not in form:
        raise invalid_request(f"The parameter {name} is missing.")
    return form[name]


def _no_metadata(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)
