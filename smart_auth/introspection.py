"""POST /auth/introspect: what a token is good for, RFC 7662, with SMART's launch context.

https://hl7.org/fhir/smart-app-launch/STU2.2/token-introspection.html
A confidential app may ask about every token (a resource server has to); a public one, which anybody can
pretend to be, only about its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from smart_auth import access_tokens, endpoints, grants, id_tokens, refresh_tokens, revocations
from smart_auth.auth import Auth
from smart_auth.client_authentication import authenticate
from smart_auth.clients import PUBLIC
from smart_auth.forms import Form, needed
from smart_auth.keys import BadToken

_SAID = ("iss", "sub", "aud", "client_id", "scope", "exp", "jti", "patient", "encounter")
_INACTIVE: Mapping[str, Any] = {"active": False}


def routes(auth: Auth) -> APIRouter:
    router = APIRouter()
    endpoints.add_form(router, auth, "/auth/introspect", introspect)
    return router


def introspect(auth: Auth, request: Request, form: Form) -> Response:
    client = authenticate(auth, request, form)
    token = needed(form, "token")
    with auth.engine.begin() as connection:
        said = _access(connection, auth, token) or _refresh(connection, auth, token)
    others = said is not None and said["client_id"] != client.id
    if said is None or (others and client.token_endpoint_auth_method == PUBLIC):
        return endpoints.secret_json(_INACTIVE)
    return endpoints.secret_json({"active": True, **said})


def _access(connection: Connection, auth: Auth, token: str) -> Mapping[str, Any] | None:
    """Return what is said of an access token; None when it is none, or no longer good."""
    try:
        claims = access_tokens.read(auth, token)
    except BadToken:
        return None
    if revocations.ended(connection, claims):
        return None
    said = {name: claims[name] for name in _SAID if name in claims}
    said |= {"token_type": "Bearer", "iat": int(claims["iat"])}
    if claims.get("fhirUser"):
        said["fhirUser"] = id_tokens.fhir_user(auth, claims["fhirUser"])
    return said


def _refresh(connection: Connection, auth: Auth, token: str) -> Mapping[str, Any] | None:
    known = refresh_tokens.find(connection, token)
    if known is None or known.used or known.expired or known.signed_out:
        return None
    grant = grants.living(connection, known.app_grant)
    if grant is None:
        return None
    said: dict[str, Any] = {
        "iss": auth.issuer,
        "sub": grant.account,
        "client_id": grant.client,
        "scope": grant.scope,
        "exp": int(known.expires.timestamp()),
        **{name: grant.context[name] for name in ("patient", "encounter") if name in grant.context},
    }
    if grant.fhir_user:
        said["fhirUser"] = id_tokens.fhir_user(auth, grant.fhir_user)
    return said
