"""POST /auth/revoke: an app gives back a token, RFC 7009; the grant ends with all of its tokens."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from smart_auth import access_tokens, endpoints, grants, refresh_tokens, revocations
from smart_auth.auth import Auth
from smart_auth.client_authentication import authenticate
from smart_auth.clients import Client
from smart_auth.errors import OAuthError, invalid_grant
from smart_auth.forms import Form, needed
from smart_auth.keys import BadToken


def routes(auth: Auth) -> APIRouter:
    router = APIRouter()
    endpoints.add_form(router, auth, "/auth/revoke", revoke)
    return router


def revoke(auth: Auth, request: Request, form: Form) -> Response:
    """Answer 200, for a token that is not known as well (section 2.2)."""
    client = authenticate(auth, request, form)
    token = needed(form, "token")
    with auth.engine.begin() as connection:
        if not _access(connection, auth, client, token):
            _refresh(connection, client, token)
    return endpoints.secret_json({})


def _access(connection: Connection, auth: Auth, client: Client, token: str) -> bool:
    try:
        claims = access_tokens.read(auth, token)
    except BadToken:
        return False
    if claims["client_id"] != client.id:
        raise _of_another()
    if claims.get("grant"):
        grants.revoke(connection, claims["grant"])
    else:
        revocations.revoke(connection, f"token {claims['jti']}")
    return True


def _refresh(connection: Connection, client: Client, token: str) -> None:
    known = refresh_tokens.find(connection, token)
    if known is None:
        return
    if known.client != client.id:
        raise _of_another()
    grants.revoke(connection, known.app_grant)


def _of_another() -> OAuthError:
    return invalid_grant("The token was issued to another app; only that one may revoke it.")
