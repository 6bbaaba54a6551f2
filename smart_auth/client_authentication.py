"""Which app asks: by nothing (public), its secret (Basic or in the body), or an assertion it signed.

RFC 6749 section 2.3, RFC 7523, https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import unquote_plus

from starlette.requests import Request

from smart_auth import assertions, clients
from smart_auth.auth import Auth
from smart_auth.clients import SECRET_METHODS, Client
from smart_auth.errors import invalid_client, invalid_request
from smart_auth.forms import Form
from smart_auth.hashes import digest, fresh


def authenticate(auth: Auth, request: Request, form: Form) -> Client:
    """Return the app that asks; OAuthError invalid_client (401) when it is not shown to be that app.

    Takes connections of its own: the id of an assertion stays used, whatever becomes of the request.
    """
    if _ways(request, form) > 1:
        raise invalid_request(
            "Authenticate in one way: the Authorization header, client_secret or client_assertion."
        )
    if "client_assertion" in form or "client_assertion_type" in form:
        return assertions.authenticate(auth, form)
    if "authorization" in request.headers:
        client_id, secret = _basic(request.headers["authorization"])
        if form.get("client_id", client_id) != client_id:
            raise invalid_client("client_id in the body is not that of the Authorization header.")
        return _by_secret(auth, client_id, secret)
    if "client_id" not in form:
        raise invalid_client(
            "Say which app asks: client_id is missing, and so is any authentication."
        )
    if "client_secret" in form:
        return _by_secret(auth, form["client_id"], form["client_secret"])
    return _public(auth, form["client_id"])


def _ways(request: Request, form: Form) -> int:
    ways = "authorization" in request.headers, "client_secret" in form, "client_assertion" in form
    return sum(ways)


def _basic(header: str) -> tuple[str, str]:
    """Return id and secret, which are form-encoded before they are joined (RFC 6749, section 2.3.1)."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        raise invalid_client(
            "The Authorization header has to be Basic, with client_id and client_secret."
        )
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid_client(
            "The Authorization header is not base64 of client_id:client_secret."
        ) from error
    client_id, colon, secret = text.partition(":")
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or "\0" in client_id or "\0" in secret:
        raise invalid_client("The Authorization header is not base64 of client_id:client_secret.")
    return client_id, secret


def _by_secret(auth: Auth, client_id: str, secret: str) -> Client:
    """A secret may come by either way, whichever of the two was registered; by no third."""
    with auth.engine.connect() as connection:
        client = clients.find(connection, client_id)
    stored = client.secret if client and client.secret else digest(fresh())
    # Compared for an unknown app as well, so that time tells nothing.
    same = hmac.compare_digest(digest(secret), stored)
    if client is None or client.token_endpoint_auth_method not in SECRET_METHODS or not same:
        raise invalid_client(
            "No app has this client_id and client_secret. Check both; an app that is registered as "
            "none or private_key_jwt has no secret."
        )
    return client


def _public(auth: Auth, client_id: str) -> Client:
    with auth.engine.connect() as connection:
        client = clients.find(connection, client_id)
    if client is None or client.token_endpoint_auth_method != clients.PUBLIC:
        raise invalid_client(
            "client_id alone is enough only for a public app that is registered here; this one has "
            "to authenticate with its secret or a signed assertion, or is not registered."
        )
    return client
