"""What an authorization server refuses, in the words of RFC 6749 (5.2), 6750 (3.1), 7591 (3.2.2) and 7009."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import JSONResponse

NOT_STORED: Mapping[str, str] = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""Of every answer that holds a token, or might have (RFC 6749, section 5.1)."""


@dataclass(eq=False)
class OAuthError(Exception):
    """A request that is refused; error is the RFC's code, description a sentence for the developer."""

    error: str
    description: str
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.description


def invalid_client(description: str) -> OAuthError:
    """Return the error of a client that did not show who it is; HTTP asks a 401 to name a scheme."""
    return OAuthError(
        "invalid_client", description, 401, {"WWW-Authenticate": 'Basic realm="MedConsult"'}
    )


def invalid_grant(description: str) -> OAuthError:
    return OAuthError("invalid_grant", description)


def invalid_request(description: str) -> OAuthError:
    return OAuthError("invalid_request", description)


def as_json(error: OAuthError) -> JSONResponse:
    """Return the answer of RFC 6749, section 5.2."""
    return JSONResponse(
        {"error": error.error, "error_description": _ascii(error.description)},
        error.status,
        {**NOT_STORED, **error.headers},
    )


def _ascii(text: str) -> str:
    """Keep to the characters that error_description may have, whatever a client's words had."""
    plain = text.replace('"', "'").replace("\\", "/")
    return "".join(each if " " <= each <= "~" else "?" for each in plain)
