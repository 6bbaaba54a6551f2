"""Refresh tokens: each is used once and followed by another; an old one that comes again ends the grant.

RFC 9700, section 4.14. Each new one is valid for the whole time again, so an app that comes back within
three months never has to ask the person.

A client that asks twice with the same token at once (two tabs, an answer that was lost) is no thief: the
successor is computed from the token and the server's secret, so within ten seconds, and as long as the
successor itself was not used, it is given out again. There is only ever one that is good; whoever stole
the old one holds the same successor, and the second use of that one is found out.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from smart_auth import expiry, granted_scope
from smart_auth.auth import Auth
from smart_auth.grants import Grant
from smart_auth.hashes import digest, fresh
from smart_auth.tables import app_grant, refresh_token, session

AT_ONCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Refresh:
    """A row of the table, as of now."""

    hash: bytes
    app_grant: str
    scope: str
    """What was granted at first; the grant says what is left of it."""
    expires: datetime
    used: datetime | None
    session: bytes | None
    client: str
    expired: bool
    just_used: bool
    signed_out: bool
    """It was for online_access, and that sign-in ended."""


def wanted(scope: str) -> bool:
    """Tell whether a refresh token was granted."""
    return bool({"offline_access", "online_access"} & set(granted_scope.words(scope)))


def issue(connection: Connection, auth: Auth, grant: Grant) -> str:
    """Return the first refresh token of a grant."""
    online = "offline_access" not in granted_scope.words(grant.scope)
    token = fresh()
    _add(connection, auth, token, grant.id, grant.scope, grant.session if online else None)
    return token


def find(connection: Connection, token: str) -> Refresh | None:
    """Return what is known of a token, used ones too; the row is locked until the transaction ends."""
    now = func.clock_timestamp()
    columns = ("hash", "app_grant", "scope", "expires", "used", "session")
    alive = select(session.c.hash).where(
        session.c.hash == refresh_token.c.session,
        session.c.expires > now,
        session.c.complete.is_not(None),
    )
    rows = connection.execute(
        select(
            *refresh_token.c[columns],
            app_grant.c.client,
            (refresh_token.c.expires <= now).label("expired"),
            func.coalesce(refresh_token.c.used > now - AT_ONCE, False).label("just_used"),
            (refresh_token.c.session.is_not(None) & ~alive.exists()).label("signed_out"),
        )
        .join(app_grant, app_grant.c.id == refresh_token.c.app_grant)
        .where(refresh_token.c.hash == digest(token))
        .with_for_update(of=refresh_token)
    ).mappings()
    row = rows.one_or_none()
    return Refresh(**row) if row else None


def rotate(connection: Connection, auth: Auth, token: str, known: Refresh) -> str | None:
    """Return the token's successor; None when the token was used before and this is a theft."""
    successor = _successor(auth, token)
    if known.used is not None:
        return successor if known.just_used and _unused(connection, successor) else None
    connection.execute(
        update(refresh_token)
        .where(refresh_token.c.hash == known.hash)
        .values(used=func.clock_timestamp())
    )
    _add(connection, auth, successor, known.app_grant, known.scope, known.session)
    return successor


def _successor(auth: Auth, token: str) -> str:
    """Return 256 bits that nobody can guess who does not know the server's secret."""
    made = hmac.digest(auth.keys.secret, b"refresh token\0" + token.encode(), "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _unused(connection: Connection, token: str) -> bool:
    row = refresh_token.c.hash == digest(token), refresh_token.c.used.is_(None)
    return connection.execute(select(refresh_token.c.hash).where(*row)).one_or_none() is not None


def _add(
    connection: Connection,
    auth: Auth,
    token: str,
    grant_id: str,
    scope: str,
    of_session: bytes | None,
) -> None:
    expiry.forget(connection, refresh_token)
    connection.execute(
        insert(refresh_token).values(
            hash=digest(token),
            app_grant=grant_id,
            scope=scope,
            expires=func.clock_timestamp() + timedelta(seconds=auth.options.refresh_token),
            session=of_session,
        )
    )
