"""Access tokens: JWTs by RFC 9068, which say all that a request needs to know of who asks."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.access.principal import Principal
from fhir_server.access.scopes import parse_all
from smart_auth import revocations
from smart_auth.auth import Auth
from smart_auth.clients import Client
from smart_auth.grants import Grant
from smart_auth.keys import BadToken

TYPE = "at+jwt"
Claims = Mapping[str, Any]
_LAUNCH = ("patient", "encounter")


@dataclass(frozen=True, slots=True)
class Holder:
    """For whom a token speaks."""

    subject: str
    """Id of the account; of the app when nobody stands behind it."""
    client: str
    role: str
    name: str = ""
    account: str = ""
    fhir_user: str = ""
    """Relative: "Patient/1"."""
    grant: str = ""
    emergency: frozenset[str] = frozenset()
    """Ids of patients whose records are open to them for an emergency."""


def person(grant: Grant, emergency: frozenset[str] = frozenset()) -> Holder:
    return Holder(
        subject=grant.account,
        client=grant.client,
        role=grant.role,
        name=grant.name,
        account=grant.account,
        fhir_user=grant.fhir_user,
        grant=grant.id,
        emergency=emergency,
    )


def backend(client: Client) -> Holder:
    return Holder(
        subject=client.id, client=client.id, role=client.role or "system", name=client.name
    )


def issue(
    auth: Auth,
    holder: Holder,
    scope: str,
    context: Mapping[str, Any] | None = None,
    *,
    now: float | None = None,
    lifetime: int | None = None,
) -> str:
    """Return a signed token. now (seconds) is the database's time when a grant is locked there.

    iat has fractions of a second: a token made right after a revocation is not ended by it.
    """
    seconds = lifetime or auth.options.access_token
    if seconds > revocations.LONGEST.total_seconds():
        raise ValueError("An access token lives for a day at most; give a refresh token instead.")
    issued = time.time() if now is None else now
    claims = {
        "iss": auth.issuer,
        "sub": holder.subject,
        "aud": auth.fhir,
        "iat": issued,
        "exp": int(issued) + seconds,
        "jti": str(uuid.uuid4()),
        "client_id": holder.client,
        "scope": scope,
        "fhirUser": holder.fhir_user,
        "role": holder.role,
        "name": holder.name,
        "grant": holder.grant,
        "account": holder.account,
        "emergency": sorted(holder.emergency),
        **{key: (context or {}).get(key) for key in _LAUNCH},
    }
    return auth.keys.sign({name: value for name, value in claims.items() if value}, TYPE)


def read(auth: Auth, token: str) -> Claims:
    """Return the claims of an access token of ours that has not expired; BadToken otherwise.

    Whether it was revoked is for `revocations` to say.
    """
    claims = auth.keys.verify(token)
    if _type(token) != TYPE or claims.get("aud") != auth.fhir or claims.get("iss") != auth.issuer:
        raise BadToken("It is no access token for this server.")
    if not float(claims.get("exp", 0)) > time.time():
        raise BadToken("It has expired.")
    return claims


def principal_of(claims: Claims) -> Principal:
    """Return who asks with the token of these claims."""
    return Principal(
        role=claims.get("role", ""),
        user=claims.get("fhirUser", ""),
        name=claims.get("name", ""),
        account=claims.get("account", ""),
        client=claims["client_id"],
        scopes=parse_all(claims.get("scope", "").split()),
        patient=claims.get("patient", ""),
        token=claims["jti"],
        emergency=frozenset(claims.get("emergency", ())),
    )


def _type(token: str) -> str:
    header = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))).get("typ"))
