"""An authorization request: what an app asks for, read with every rule, and kept while a person decides.

RFC 6749 section 4.1.1, RFC 7636, RFC 9126, RFC 9207,
https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from sqlalchemy import Connection, delete, func, insert, update

from smart_auth import clients, expiry, granted_scope
from smart_auth.auth import Auth
from smart_auth.clients import Client
from smart_auth.errors import OAuthError, invalid_request
from smart_auth.hashes import digest, fresh
from smart_auth.pages import Stop
from smart_auth.tables import app_request
from smart_auth.wording import later, say

PUSHED_S = 90
"""How long a pushed request waits for its browser."""
DECIDED_S = 900
"""How long a person may take."""
URN = "urn:ietf:params:oauth:request_uri:"
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST_STATE = 4000


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app asks for; all of it checked."""

    client: str
    redirect_uri: str
    scope: str
    """What of the scopes asked for is known here and within the app's registration."""
    dropped: str
    """The rest."""
    state: str
    code_challenge: str
    launch: str = ""
    nonce: str = ""
    prompt: str = ""
    max_age: int | None = None
    at: float = 0.0
    """When it was asked, in seconds since 1970."""
    context: Mapping[str, Any] | None = None
    """The launch context, once it is known."""

    def wants(self, word: str) -> bool:
        return word in granted_scope.words(self.scope)


@dataclass(eq=False)
class Redirect(Exception):
    """An error that the app is told of at its redirect_uri (RFC 6749, section 4.1.2.1)."""

    redirect_uri: str
    error: OAuthError
    state: str


def client_of(connection: Connection, stated: Mapping[str, str]) -> Client:
    """Return the app; a person reads why not, for nobody knows where to send an answer to."""
    client = clients.find(connection, stated.get("client_id", ""))
    if client is None or "authorization_code" not in client.grant_types:
        raise Stop(
            400,
            later("This app is not known here"),
            later(
                "The link that brought you here names an app that is not registered, or not any "
                "more. Nothing was shared. Tell the app's makers."
            ),
        )
    if stated.get("redirect_uri", "") not in client.redirect_uris:
        raise Stop(
            400,
            later("This link is not right"),
            say(
                "%(app)s wants the answer sent to an address that it did not register "
                "(redirect_uri). Nothing was shared. Tell the app's makers.",
                app=client.name,
            ),
        )
    return client


def read(auth: Auth, client: Client, stated: Mapping[str, str]) -> Asked:
    """Return the request; Redirect tells the app what is wrong with it."""
    redirect_uri, state = stated["redirect_uri"], stated.get("state", "")
    try:
        _refuse(auth, stated)
        scope, dropped = _scope(client, stated.get("scope", ""))
        return Asked(
            client=client.id,
            redirect_uri=redirect_uri,
            scope=scope,
            dropped=dropped,
            state=state,
            code_challenge=stated["code_challenge"],
            launch=stated.get("launch", ""),
            nonce=stated.get("nonce", ""),
            prompt=stated.get("prompt", ""),
            max_age=_max_age(stated),
            at=datetime.now(UTC).timestamp(),
        )
    except OAuthError as error:
        raise Redirect(redirect_uri, error, state) from error


def _refuse(auth: Auth, stated: Mapping[str, str]) -> None:
    if stated.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type has to be code.")
    if stated.get("response_mode", "query") != "query":
        raise invalid_request("response_mode has to be query, or left out.")
    if len(stated.get("state", "")) > _LONGEST_STATE:
        raise invalid_request(f"state may have {_LONGEST_STATE} characters.")
    if not stated.get("state"):
        raise invalid_request("state is missing: random for each request, and compared afterwards.")
    if stated.get("code_challenge_method", "plain") != "S256":
        raise invalid_request("code_challenge_method has to be S256: PKCE is asked of every app.")
    if not _CHALLENGE.fullmatch(stated.get("code_challenge", "")):
        raise invalid_request("code_challenge has to be the S256 of the code_verifier, base64url.")
    if stated.get("aud", "").rstrip("/") != auth.fhir:
        raise invalid_request(f"aud has to be the FHIR server that is meant: {auth.fhir}.")
    prompts = stated.get("prompt", "").split()
    if not set(prompts) <= PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise invalid_request(f"prompt takes {', '.join(sorted(PROMPTS))}; none stands alone.")


def _max_age(stated: Mapping[str, str]) -> int | None:
    text = stated.get("max_age")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise invalid_request("max_age has to be a number of seconds.")
    return int(text)


def _scope(client: Client, asked: str) -> tuple[str, str]:
    """Return what may be asked for of the scopes, and what may not."""
    words = granted_scope.words(asked)
    scope = granted_scope.limited(
        " ".join(word for word in words if granted_scope.known(word)), client.scope
    )
    scope = " ".join(word for word in scope.split() if not word.startswith("system/"))
    if not scope:
        raise OAuthError(
            "invalid_scope",
            f"None of the scopes asked for may be granted to this app; it may ask for {client.scope}",
        )
    return scope, " ".join(word for word in words if not granted_scope.within(word, scope))


# Kept while a browser comes or a person decides


def keep(connection: Connection, asked: Asked, seconds: int) -> str:
    """Store the request; return the handle that stands for it."""
    expiry.forget(connection, app_request)
    handle = fresh()
    connection.execute(
        insert(app_request).values(
            hash=digest(handle),
            client=asked.client,
            parameters=asdict(asked),
            expires=func.clock_timestamp() + timedelta(seconds=seconds),
        )
    )
    return handle


def take(connection: Connection, handle: str, client_id: str) -> Asked:
    """Return a pushed request, which is good once and for its own app."""
    row = connection.execute(
        delete(app_request)
        .where(app_request.c.hash == digest(handle), app_request.c.client == client_id)
        .where(app_request.c.expires > func.clock_timestamp())
        .returning(app_request.c.parameters)
    ).one_or_none()
    if row is None:
        raise _gone()
    return Asked(**row.parameters)


def kept(connection: Connection, handle: str, account_id: str) -> Asked:
    """Return the request that a person decides on; the first who opens it is the only one who may."""
    mine = (app_request.c.account.is_(None)) | (app_request.c.account == account_id)
    row = connection.execute(
        update(app_request)
        .where(app_request.c.hash == digest(handle), mine)
        .where(app_request.c.expires > func.clock_timestamp())
        .values(account=account_id)
        .returning(app_request.c.parameters)
    ).one_or_none()
    if row is None:
        raise _gone()
    return Asked(**row.parameters)


def change(connection: Connection, handle: str, asked: Asked, **values: Any) -> Asked:
    """Store what has become known of it."""
    changed = replace(asked, **values)
    connection.execute(
        update(app_request)
        .where(app_request.c.hash == digest(handle))
        .values(parameters=asdict(changed))
    )
    return changed


def forget(connection: Connection, handle: str) -> None:
    """End it: it was decided on."""
    found = delete(app_request).where(app_request.c.hash == digest(handle))
    if connection.execute(found).rowcount != 1:
        raise _gone()


def _gone() -> Stop:
    return Stop(
        400,
        later("This request is over"),
        later(
            "It was answered before, or waited too long, or was opened by somebody else. "
            "Go back to the app and start again."
        ),
    )


# The answer


def answer(auth: Auth, redirect_uri: str, state: str, **said: str) -> str:
    """Return where the browser goes with the answer; iss says whose it is (RFC 9207)."""
    parts = urlsplit(redirect_uri)
    query = urlencode({**said, "state": state, "iss": auth.issuer})
    joined = f"{parts.query}&{query}" if parts.query else query
    return urlunsplit(parts._replace(query=joined))


def refused(auth: Auth, told: Redirect) -> str:
    error = told.error
    return answer(
        auth, told.redirect_uri, told.state, error=error.error, error_description=str(error)
    )
