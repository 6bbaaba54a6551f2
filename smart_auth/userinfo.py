"""/auth/userinfo: who signed in, for the bearer of a token with openid. OpenID Connect Core, section 5.3."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from smart_auth import access_tokens, endpoints, granted_scope, id_tokens, revocations
from smart_auth.auth import Auth
from smart_auth.errors import OAuthError
from smart_auth.keys import BadToken


def routes(auth: Auth) -> APIRouter:
    router = APIRouter()

    def answer(request: Request, _: None) -> Response:
        return endpoints.secret_json(_claims(auth, request))

    both: endpoints.Methods = {
        "GET": (endpoints.nothing, answer),
        "POST": (endpoints.nothing, answer),
    }
    endpoints.add(router, auth, "/auth/userinfo", both)
    return router


def _claims(auth: Auth, request: Request) -> dict[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise _refused("Send the access token as Authorization: Bearer.")
    try:
        claims = access_tokens.read(auth, token.strip())
    except BadToken as error:
        raise _refused(str(error)) from error
    with auth.engine.connect() as connection:
        if revocations.ended(connection, claims):
            raise _refused("The access token was revoked.")
    scope = granted_scope.words(claims.get("scope", ""))
    if "openid" not in scope:
        raise OAuthError("insufficient_scope", "The token lacks the scope openid.", 403)
    found: dict[str, Any] = {"sub": claims["sub"]}
    if {"fhirUser", "profile"} & set(scope) and claims.get("fhirUser"):
        found["fhirUser"] = found["profile"] = id_tokens.fhir_user(auth, claims["fhirUser"])
    if "profile" in scope and claims.get("name"):
        found["name"] = claims["name"]
    return found


def _refused(said: str) -> OAuthError:
    header = 'Bearer realm="MedConsult", error="invalid_token"'
    return OAuthError("invalid_token", said, 401, {"WWW-Authenticate": header})
