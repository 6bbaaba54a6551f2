"""Apps that register by themselves, RFC 7591, and look after their registration, RFC 7592.

Only there with the switch `dynamic_registration`. Whoever has the registration access token may read,
change and end the app.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, update
from starlette.requests import Request
from starlette.responses import Response

from smart_auth import clients, endpoints
from smart_auth.auth import Auth
from smart_auth.clients import Client
from smart_auth.errors import NOT_STORED, OAuthError
from smart_auth.forms import read_json
from smart_auth.hashes import digest, fresh
from smart_auth.metadata import PAGES
from smart_auth.tables import client as client_table

PATH = "/auth/clients"


def routes(auth: Auth) -> APIRouter:
    router = APIRouter()
    if not auth.options.dynamic_registration:
        return router

    def register(_: Request, metadata: dict[str, Any]) -> Response:
        return _register(auth, metadata)

    def show(request: Request, _: None) -> Response:
        return _show(auth, request)

    def change(request: Request, metadata: dict[str, Any]) -> Response:
        return _change(auth, request, metadata)

    def end(request: Request, _: None) -> Response:
        return _end(auth, request)

    endpoints.add(router, auth, PATH, {"POST": (read_json, register)})
    mine: endpoints.Methods = {
        "GET": (endpoints.nothing, show),
        "PUT": (read_json, change),
        "DELETE": (endpoints.nothing, end),
    }
    endpoints.add(router, auth, PATH + "/{client_id}", mine)
    return router


def _register(auth: Auth, metadata: Mapping[str, Any]) -> Response:
    """Answer 201 with all that is registered, the secret and the registration access token."""
    _refuse_backend(metadata)
    token = fresh()
    with auth.engine.begin() as connection:
        client, secret = clients.register(connection, metadata, demo=auth.options.demo)
        connection.execute(
            update(client_table)
            .where(client_table.c.id == client.id)
            .values(registration_token=digest(token))
        )
    return endpoints.secret_json(_information(auth, client, token, secret), 201)


def _refuse_backend(metadata: Mapping[str, Any]) -> None:
    """A backend service acts for nobody and sees everybody: no one becomes one without an operator."""
    if "client_credentials" in str(metadata.get("grant_types")):
        raise OAuthError(
            "invalid_client_metadata",
            "grant_types: a backend service (client_credentials) is registered by an operator of "
            "this server, with `medconsult client add`; leave client_credentials out.",
        )


def _show(auth: Auth, request: Request) -> Response:
    with auth.engine.connect() as connection:
        client, token = _known(connection, request)
    return endpoints.secret_json(_information(auth, client, token))


def _change(auth: Auth, request: Request, metadata: Mapping[str, Any]) -> Response:
    """Replace everything (RFC 7592, section 2.2): what is left out is gone."""
    with auth.engine.begin() as connection:
        client, token = _known(connection, request)
        if metadata.get("client_id") != client.id:
            raise _wrong("client_id has to be in the body, and that of this address.")
        if "client_secret" in metadata and not _same(str(metadata["client_secret"]), client.secret):
            raise _wrong("client_secret is not the app's; leave it out to keep the one it has.")
        _refuse_backend(metadata)
        changed, secret = clients.change(connection, client, metadata, demo=auth.options.demo)
    return endpoints.secret_json(_information(auth, changed, token, secret))


def _end(auth: Auth, request: Request) -> Response:
    with auth.engine.begin() as connection:
        client, _ = _known(connection, request)
        clients.end(connection, client.id)
    return Response(status_code=204, headers=NOT_STORED)


def _known(connection: Connection, request: Request) -> tuple[Client, str]:
    """Return the app of the address and its token; OAuthError invalid_token (401) for all but its owner."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    client_id = request.path_params["client_id"]
    client = None if "\0" in client_id else clients.find(connection, client_id)
    same = _same(token.strip(), client.registration_token if client else None)
    if scheme.lower() != "bearer" or client is None or not same:
        raise OAuthError(
            "invalid_token",
            "Send the registration_access_token of this app as Authorization: Bearer.",
            401,
            {"WWW-Authenticate": 'Bearer realm="MedConsult", error="invalid_token"'},
        )
    return client, token.strip()


def _same(secret: str, stored: bytes | None) -> bool:
    return hmac.compare_digest(digest(secret), stored or digest(fresh()))


def _information(
    auth: Auth, client: Client, token: str, secret: str | None = None
) -> dict[str, Any]:
    """Return RFC 7591's client information response; the secret only when it was just made."""
    redirected = "authorization_code" in client.grant_types
    shown: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "grant_types": client.grant_types,
        "response_types": ["code"] if redirected else [],
        "redirect_uris": client.redirect_uris,
        "scope": client.scope,
        "contacts": client.contacts,
        "jwks": client.jwks,
        "jwks_uri": client.jwks_uri,
        **{name: getattr(client, name) for name in PAGES},
    }
    answer = {name: value for name, value in shown.items() if value or value == []}
    if secret is not None:
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return answer | {
        "registration_access_token": token,
        "registration_client_uri": f"{auth.issuer}{PATH}/{client.id}",
    }


def _wrong(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)
