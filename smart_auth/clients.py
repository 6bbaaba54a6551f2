"""Apps: what is known of each, how one is registered, changed and ended.

Metadata is that of RFC 7591; `smart_auth.metadata` says what may be in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, null, select, update

from smart_auth import metadata as metadata_rules
from smart_auth import revocations
from smart_auth.accounts import Account
from smart_auth.hashes import digest, fresh
from smart_auth.tables import app_grant, client

PUBLIC = "none"
ASYMMETRIC = "private_key_jwt"
SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post"})


@dataclass(frozen=True, slots=True)
class Client:
    """A row of the table `client`; id is the client_id."""

    id: str
    name: str
    token_endpoint_auth_method: str
    """none, client_secret_basic, client_secret_post, private_key_jwt"""
    secret: bytes | None
    jwks: Mapping[str, Any] | None
    jwks_uri: str
    redirect_uris: Sequence[str]
    grant_types: Sequence[str]
    scope: str
    """The most that it may ask for."""
    launch_uri: str
    logo_uri: str
    client_uri: str
    policy_uri: str
    tos_uri: str
    contacts: Sequence[str]
    role: str
    owner: str | None
    registration_token: bytes | None
    created: datetime
    disabled: datetime | None


def find(connection: Connection, client_id: str) -> Client | None:
    """Return the app; None when there is none, or it was ended."""
    row = (
        connection.execute(
            select(client).where(client.c.id == client_id, client.c.disabled.is_(None))
        )
        .mappings()
        .one_or_none()
    )
    return _client(row) if row else None


def managed(connection: Connection, account: Account) -> list[Client]:
    """Return the apps that a person may end, the newest first: their own, or an administrator all."""
    query = select(client).where(client.c.disabled.is_(None)).order_by(client.c.created.desc())
    if account.role != "administrator":
        query = query.where(client.c.owner == account.id)
    return [_client(row) for row in connection.execute(query).mappings()]


def register(
    connection: Connection,
    metadata: Mapping[str, Any],
    *,
    owner: str | None = None,
    role: str = "",
    demo: bool = False,
    client_id: str = "",
) -> tuple[Client, str | None]:
    """Add an app; return it and its secret, which nobody can read again (None when it needs none).

    Raises OAuthError (RFC 7591, section 3.2.2) with a sentence for what is not right in the metadata.
    role is the file of profiles/access for client_credentials; demo allows http for every host.
    """
    values = metadata_rules.columns(metadata, demo=demo)
    secret = fresh() if values["token_endpoint_auth_method"] in SECRET_METHODS else None
    if "client_credentials" in values["grant_types"]:
        values["role"] = role or "system"
    row = (
        connection.execute(
            insert(client)
            .values(
                id=client_id or str(uuid.uuid4()),
                secret=digest(secret) if secret else None,
                owner=owner,
                **values,
            )
            .returning(client)
        )
        .mappings()
        .one()
    )
    return _client(row), secret


def change(
    connection: Connection, changed: Client, metadata: Mapping[str, Any], *, demo: bool = False
) -> tuple[Client, str | None]:
    """Replace an app's metadata (RFC 7592, section 2.2); its secret stays as long as it needs one."""
    values = metadata_rules.columns(metadata, demo=demo)
    needs_secret = values["token_endpoint_auth_method"] in SECRET_METHODS
    secret = fresh() if needs_secret and changed.secret is None else None
    if secret:
        values["secret"] = digest(secret)
    elif not needs_secret:
        values["secret"] = None
    if "client_credentials" in values["grant_types"]:
        values["role"] = changed.role or "system"
    values["jwks"] = values["jwks"] if values["jwks"] is not None else null()
    row = (
        connection.execute(
            update(client).where(client.c.id == changed.id).values(**values).returning(client)
        )
        .mappings()
        .one()
    )
    return _client(row), secret


def end(connection: Connection, client_id: str) -> None:
    """End an app with all that was granted to it. The row stays: the audit names it."""
    now = func.clock_timestamp()
    connection.execute(
        update(client)
        .where(client.c.id == client_id)
        .values(disabled=now, secret=None, registration_token=None)
    )
    living = app_grant.c.client == client_id, app_grant.c.revoked.is_(None)
    connection.execute(update(app_grant).where(*living).values(revoked=now))
    revocations.revoke(connection, f"client {client_id}")


def _client(row: RowMapping) -> Client:
    return Client(**row)
