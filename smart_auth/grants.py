"""What a person granted to an app: the scopes, the launch context, the code that is sent for them.

Each authorization makes a grant of its own, the family of all tokens that come of it; it ends as one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from smart_auth import expiry, revocations
from smart_auth.hashes import digest, fresh
from smart_auth.tables import account, app_grant, client, code

_REMEMBERED = timedelta(days=1)
"""How long a code is known after its time: whoever uses it again ends the grant."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant with what tokens say of the person who gave it."""

    id: str
    client: str
    account: str
    scope: str
    context: Mapping[str, Any]
    """Launch keys of the token response: patient, encounter, need_patient_banner, fhirContext, ..."""
    session: bytes | None
    authenticated: datetime | None
    """When the person signed in."""
    role: str
    fhir_user: str
    name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of "My apps"."""

    id: str
    client: str
    name: str
    logo_uri: str
    scope: str
    context: Mapping[str, Any]
    created: datetime
    used: datetime | None


def grant(
    connection: Connection,
    client_id: str,
    account_id: str,
    scope: str,
    context: Mapping[str, Any],
    *,
    session: bytes | None = None,
    authenticated: datetime | None = None,
) -> str:
    """Note what was granted; return its id. session is the hash of the sign-in it was given in."""
    id_ = str(uuid.uuid4())
    connection.execute(
        insert(app_grant).values(
            id=id_,
            client=client_id,
            account=account_id,
            scope=scope,
            context=dict(context),
            session=session,
            authenticated=authenticated,
        )
    )
    return id_


def issue_code(
    connection: Connection,
    grant_id: str,
    redirect_uri: str,
    code_challenge: str,
    nonce: str = "",
    lifetime: int = 60,
) -> str:
    """Return a code that can be exchanged once, within lifetime seconds, by who knows the verifier."""
    expiry.forget(connection, code, _REMEMBERED)
    secret = fresh()
    connection.execute(
        insert(code).values(
            hash=digest(secret),
            app_grant=grant_id,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            nonce=nonce,
            expires=func.clock_timestamp() + timedelta(seconds=lifetime),
        )
    )
    return secret


def living(connection: Connection, grant_id: str) -> Grant | None:
    """Return the grant, locked until the transaction ends; None when it, its app or its account ended."""
    row = connection.execute(_living(grant_id)).mappings().one_or_none()
    return Grant(**row) if row else None


def _living(grant_id: str) -> Select[Any]:
    return (
        select(
            *app_grant.c["id", "client", "account", "scope", "context", "session", "authenticated"],
            *account.c["role", "fhir_user", "name"],
        )
        .join(account, account.c.id == app_grant.c.account)
        .join(client, client.c.id == app_grant.c.client)
        .where(app_grant.c.id == grant_id, app_grant.c.revoked.is_(None))
        .where(account.c.disabled.is_(None), client.c.disabled.is_(None))
        .with_for_update(of=app_grant)
    )


def used(connection: Connection, grant_id: str) -> datetime:
    """Note that a token is made of it; return the database's time, which the token's iat has to be."""
    now: datetime = connection.execute(
        update(app_grant)
        .where(app_grant.c.id == grant_id)
        .values(used=func.clock_timestamp())
        .returning(app_grant.c.used)
    ).scalar_one()
    return now


def revoke(connection: Connection, grant_id: str) -> None:
    """End it with all of its tokens, access tokens too, as soon as the transaction commits."""
    still = app_grant.c.id == grant_id, app_grant.c.revoked.is_(None)
    connection.execute(update(app_grant).where(*still).values(revoked=func.clock_timestamp()))
    revocations.revoke(connection, f"grant {grant_id}")


def revoke_all(connection: Connection, account_id: str, client_id: str = "") -> None:
    """End what a person granted, to one app or to all."""
    for each in listing(connection, account_id):
        if client_id in ("", each.client):
            revoke(connection, each.id)


def narrow(connection: Connection, grant_id: str, scope: str) -> None:
    """Leave less of it; tokens with more end at once, the app refreshes them and gets the rest."""
    connection.execute(update(app_grant).where(app_grant.c.id == grant_id).values(scope=scope))
    revocations.revoke(connection, f"grant {grant_id}")


def listing(connection: Connection, account_id: str) -> Sequence[Listed]:
    """Return what a person granted and did not end, the newest first."""
    rows = connection.execute(
        select(
            *app_grant.c["id", "client", "scope", "context", "created", "used"],
            *client.c["name", "logo_uri"],
        )
        .join(client, client.c.id == app_grant.c.client)
        .where(app_grant.c.account == account_id, app_grant.c.revoked.is_(None))
        .where(client.c.disabled.is_(None))
        .order_by(app_grant.c.created.desc())
    )
    return [Listed(**row) for row in rows.mappings()]
