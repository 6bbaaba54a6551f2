"""Who sends a request to the FHIR API: the bearer of an access token, RFC 6750.

A token is verified once in a process and remembered; at every request after that only its time and
the list of revocations are looked at, both in memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from fhir_server.access.principal import Principal
from fhir_server.errors import Unauthorized
from fhir_server.rest.web import Request
from smart_auth import access_tokens
from smart_auth.access_tokens import Claims
from smart_auth.auth import Auth
from smart_auth.keys import BadToken
from smart_auth.revocations import Revocations

PUBLIC = frozenset({"metadata", "$versions"})
"""What is read before anybody can have a token."""
ANYBODY = Principal("anybody", name="Anybody")
REALM = 'Bearer realm="FHIR"'
_MOST_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Known:
    principal: Principal
    claims: Claims
    expires: float


@dataclass(slots=True)
class Authenticating:
    """Call it with a request: returns who sent it, or raises Unauthorized with what to mend."""

    auth: Auth
    revocations: Revocations
    _known: dict[str, Known] = field(default_factory=dict)

    def __call__(self, request: Request) -> Principal:
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return self._without(request)
        known = self._known.get(token) or self._verified(token)
        if known.expires <= time.time():
            del self._known[token]
            raise _bad("The access token has expired; get a new one with the refresh token.")
        if self.revocations.holds(known.claims):
            raise _bad("The access token was revoked; the app has to be connected again.")
        return known.principal

    def _without(self, request: Request) -> Principal:
        if request.method in ("GET", "HEAD") and request.path in PUBLIC:
            return ANYBODY
        raise Unauthorized(
            "Send an access token: the header Authorization: Bearer and the token. How to get one "
            f"says {self.auth.fhir}/.well-known/smart-configuration.",
            headers={"WWW-Authenticate": REALM},
        )

    def _verified(self, token: str) -> Known:
        try:
            claims = access_tokens.read(self.auth, token.strip())
        except BadToken as error:
            raise _bad(f"The access token is not good here: {error}") from error
        known = Known(access_tokens.principal_of(claims), claims, float(claims["exp"]))
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[token] = known
        return known


def _bad(said: str) -> Unauthorized:
    described = said.replace("\\", "'").replace('"', "'")
    header = f'{REALM}, error="invalid_token", error_description="{described}"'
    return Unauthorized(said, headers={"WWW-Authenticate": header})
