"""POST /auth/token: a code, a refresh token or a signed assertion for an access token.

RFC 6749 sections 4.1.3, 4.4 and 6, RFC 7636, https://hl7.org/fhir/smart-app-launch/STU2.2/
A grant type raises the error that changes nothing, and returns the one whose changes have to stay.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oauth2.rfc7636.challenge import CODE_VERIFIER_PATTERN
from fastapi import APIRouter
from sqlalchemy import Connection, func, select, update
from starlette.requests import Request
from starlette.responses import Response

from smart_auth import (
    access_tokens,
    emergencies,
    endpoints,
    granted_scope,
    grants,
    id_tokens,
    refresh_tokens,
)
from smart_auth.auth import Auth
from smart_auth.client_authentication import authenticate
from smart_auth.clients import ASYMMETRIC, Client
from smart_auth.errors import OAuthError, invalid_grant, invalid_request
from smart_auth.forms import Form, needed
from smart_auth.grants import Grant
from smart_auth.hashes import digest
from smart_auth.tables import code as codes

Answer = Mapping[str, Any]
GrantType = Callable[[Connection, Auth, Client, Form], Answer | OAuthError]
_LONGEST_OF_BACKEND = 300
"""Seconds; https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html#issue-access-token"""
_NOT_GOOD = (
    "The code is not good: unknown, expired, used before, or of another app or redirect_uri. "
    "Start the authorization anew."
)
_NO_REFRESH = "The refresh token is not good (any more). Ask the person again, at /auth/authorize."


def routes(auth: Auth) -> APIRouter:
    router = APIRouter()
    endpoints.add_form(router, auth, "/auth/token", token)
    return router


def token(auth: Auth, request: Request, form: Form) -> Response:
    grant_type = GRANT_TYPES.get(name := needed(form, "grant_type"))
    if grant_type is None:
        raise OAuthError(
            "unsupported_grant_type", f"grant_type has to be one of {', '.join(GRANT_TYPES)}."
        )
    client = authenticate(auth, request, _naming_itself(auth, request, form))
    if name not in client.grant_types:
        raise OAuthError("unauthorized_client", f"This app is not registered for {name}.")
    with auth.engine.begin() as connection:
        answer = grant_type(connection, auth, client, form)
    if isinstance(answer, OAuthError):
        raise answer
    return endpoints.secret_json(answer)


def _naming_itself(auth: Auth, request: Request, form: Form) -> Form:
    """Add the client_id that a public app's refresh token says: the SMART library fhirclient leaves it out.

    An app that has a secret or keys still has to show them (RFC 6749, section 6).
    """
    token = form.get("refresh_token")
    named = "client_id" in form or "client_assertion" in form or "authorization" in request.headers
    if token is None or named:
        return form
    with auth.engine.begin() as connection:
        known = refresh_tokens.find(connection, token)
    return {**form, "client_id": known.client} if known else form


def _by_code(connection: Connection, auth: Auth, client: Client, form: Form) -> Answer | OAuthError:
    row = connection.execute(
        select(codes, (codes.c.expires <= func.clock_timestamp()).label("expired"))
        .where(codes.c.hash == digest(needed(form, "code")))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise invalid_grant(_NOT_GOOD)
    grant = grants.living(connection, row.app_grant)
    if grant is None or grant.client != client.id:
        raise invalid_grant(_NOT_GOOD)
    if row.used:
        # Two have it: what the first one got ends (RFC 6749, section 4.1.2).
        grants.revoke(connection, grant.id)
        return invalid_grant(_NOT_GOOD)
    if row.expired or needed(form, "redirect_uri") != row.redirect_uri:
        raise invalid_grant(_NOT_GOOD)
    _check_verifier(form, row.code_challenge)
    used = update(codes).where(codes.c.hash == row.hash).values(used=func.clock_timestamp())
    connection.execute(used)
    refresh = None
    if refresh_tokens.wanted(grant.scope) and "refresh_token" in client.grant_types:
        refresh = refresh_tokens.issue(connection, auth, grant)
    return _answer(connection, auth, grant, grant.scope, refresh, row.nonce)


def _check_verifier(form: Form, challenge: str) -> None:
    """Refuse whoever did not begin the flow: S256 always, never plain (RFC 7636, section 4.6)."""
    verifier = form.get("code_verifier")
    if verifier is None:
        raise invalid_request("code_verifier is missing; PKCE with S256 is asked of every app.")
    if not CODE_VERIFIER_PATTERN.fullmatch(verifier):
        raise invalid_grant("code_verifier has to be 43 to 128 characters of A-Z a-z 0-9 - . _ ~")
    computed = create_s256_code_challenge(verifier)
    if not hmac.compare_digest(computed.encode(), challenge.encode()):
        raise invalid_grant("code_verifier does not fit the code_challenge (S256) of this code.")


def _by_refresh_token(
    connection: Connection, auth: Auth, client: Client, form: Form
) -> Answer | OAuthError:
    token = needed(form, "refresh_token")
    known = refresh_tokens.find(connection, token)
    if known is None or known.client != client.id:
        raise invalid_grant(_NO_REFRESH)
    grant = grants.living(connection, known.app_grant)
    if grant is None or known.expired or known.signed_out:
        raise invalid_grant(_NO_REFRESH)
    asked = form.get("scope", grant.scope)
    # The person may have narrowed it since: the app gets what is left of what it asks for.
    scope = granted_scope.limited(asked, grant.scope)
    if not scope or not granted_scope.within(asked, known.scope):
        raise OAuthError("invalid_scope", f"scope may only narrow what was granted: {grant.scope}")
    successor = refresh_tokens.rotate(connection, auth, token, known)
    if successor is None:
        grants.revoke(connection, grant.id)
        return invalid_grant("The refresh token was used before, so all tokens of it have ended.")
    return _answer(connection, auth, grant, scope, successor)


def _answer(
    connection: Connection,
    auth: Auth,
    grant: Grant,
    scope: str,
    refresh: str | None,
    nonce: str = "",
) -> Answer:
    """Return the token response of SMART: context beside the tokens."""
    now = grants.used(connection, grant.id).timestamp()
    person = access_tokens.person(grant, emergencies.opened(connection, grant.account))
    answer = {
        **grant.context,
        "access_token": access_tokens.issue(auth, person, scope, grant.context, now=now),
        "token_type": "Bearer",
        "expires_in": auth.options.access_token,
        "scope": scope,
    }
    if refresh is not None:
        answer["refresh_token"] = refresh
    if id_tokens.wanted(scope):
        answer["id_token"] = id_tokens.issue(auth, grant, scope, now, nonce)
    return answer


def _by_assertion(connection: Connection, auth: Auth, client: Client, form: Form) -> Answer:
    if client.token_endpoint_auth_method != ASYMMETRIC:
        raise OAuthError("unauthorized_client", "client_credentials needs private_key_jwt.")
    asked = granted_scope.words(needed(form, "scope"))
    if not all(each.startswith("system/") and granted_scope.known(each) for each in asked):
        raise OAuthError("invalid_scope", "scope: a backend service asks for system/ scopes only.")
    scope = granted_scope.limited(" ".join(asked), client.scope)
    if not scope:
        raise OAuthError("invalid_scope", f"scope: this app may ask for {client.scope}")
    lifetime = min(auth.options.access_token, _LONGEST_OF_BACKEND)
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    issued = access_tokens.issue(
        auth, access_tokens.backend(client), scope, now=now.timestamp(), lifetime=lifetime
    )
    return {
        "access_token": issued,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": scope,
    }


GRANT_TYPES: Mapping[str, GrantType] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
    "client_credentials": _by_assertion,
}
