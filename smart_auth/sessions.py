"""Who is signed in, by a cookie of 256 random bits; made anew at each sign-in, so none can be planted."""

from __future__ import annotations

import functools
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from fhir_server.access.principal import Principal
from smart_auth import limits
from smart_auth.accounts import COLUMNS, Account
from smart_auth.auth import Auth
from smart_auth.bodies import Form
from smart_auth.emergencies import opened
from smart_auth.hashes import digest, fresh
from smart_auth.pages import Stop, render
from smart_auth.tables import account, session
from smart_auth.wording import later

HALF_SIGNED_S = 600
"""How long the second factor may take."""
SEEN_EVERY = timedelta(minutes=1)
LONGEST_AGENT = 300
HOME = "/"


@dataclass(frozen=True, slots=True)
class Signed:
    """A session and whose it is."""

    account: Account
    hash: bytes
    csrf: str
    """Stands in every form: another site cannot know it."""
    created: datetime
    emergency: frozenset[str] = frozenset()
    """Patients whose records are open for an emergency."""


@dataclass(frozen=True, slots=True)
class Session:
    """A row of the list of sessions."""

    hash: bytes
    created: datetime
    seen: datetime
    address: str
    agent: str


class SignIn(HTTPException):
    """Nobody is signed in: the answer leads to the page for that, and back afterwards."""

    def __init__(self, request: Request) -> None:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        where = "/auth/login" + (f"?next={quote(back, safe='')}" if request.method == "GET" else "")
        super().__init__(303, "Sign in first.", {"Location": where, "Cache-Control": "no-store"})


def current(auth: Auth, request: Request) -> Signed | None:
    """Return who is signed in, with every factor that the account has."""
    return _signed(auth, request, complete=True)


def pending(auth: Auth, request: Request) -> Signed | None:
    """Return whose password was right, and whose second factor is still asked for."""
    return _signed(auth, request, complete=False)


def required(auth: Auth, request: Request) -> Signed:
    """Return who is signed in; SignIn when nobody is."""
    signed = current(auth, request)
    if signed is None:
        raise SignIn(request)
    return signed


def principal(signed: Signed) -> Principal:
    """Return whom the records are read and written for: one object for one person, as policies go by that."""
    one = signed.account
    return _principal(one.role, one.fhir_user, one.name, one.id, signed.emergency)


@functools.lru_cache(maxsize=1024)
def _principal(
    role: str, user: str, name: str, account_id: str, emergency: frozenset[str]
) -> Principal:
    return Principal(role, user, name, account_id, emergency=emergency)


def start(
    auth: Auth, connection: Connection, request: Request, account_id: str, *, complete: bool
) -> str:
    """Begin a session and end the one that the browser had; returns the cookie's value."""
    if old := request.cookies.get(cookie_name(auth)):
        end(connection, digest(old))
    secret = fresh()
    lifetime = auth.options.session if complete else HALF_SIGNED_S
    row = {
        "hash": digest(secret),
        "account": account_id,
        "expires": func.clock_timestamp() + timedelta(seconds=lifetime),
        "address": limits.address(request),
        "agent": request.headers.get("user-agent", "")[:LONGEST_AGENT],
        "complete": func.clock_timestamp() if complete else None,
    }
    connection.execute(insert(session).values(row))
    return secret


def end(connection: Connection, hash_: bytes) -> None:
    connection.execute(delete(session).where(session.c.hash == hash_))


def end_one(connection: Connection, account_id: str, hash_: bytes) -> None:
    """End a session if it is the account's."""
    theirs = delete(session).where(session.c.hash == hash_, session.c.account == account_id)
    connection.execute(theirs)


def end_all(connection: Connection, account_id: str, besides: bytes = b"") -> None:
    """End the account's sessions, but for one that may go on."""
    theirs = delete(session).where(session.c.account == account_id, session.c.hash != besides)
    connection.execute(theirs)


def listed(connection: Connection, account_id: str) -> list[Session]:
    """Return the account's sessions, the one used last first."""
    columns = [session.c[name] for name in Session.__slots__]
    query = select(*columns).where(
        session.c.account == account_id, session.c.complete.is_not(None), _lives()
    )
    return [Session(*row) for row in connection.execute(query.order_by(session.c.seen.desc()))]


def forget(connection: Connection) -> None:
    """Delete what has expired."""
    connection.execute(delete(session).where(~_lives()))


# Cookies


def cookie_name(auth: Auth, name: str = "session") -> str:
    """Return the cookie's name; by __Host- a browser vouches that no other host has set it."""
    return f"__Host-{name}" if auth.secure else name


def set_cookie(auth: Auth, response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(auth, name),
        value,
        max_age=seconds,
        path="/",
        secure=auth.secure,
        httponly=True,
        samesite="lax",
    )


def give(auth: Auth, response: Response, secret: str) -> None:
    """Hand the session to the browser."""
    set_cookie(auth, response, "session", secret, auth.options.session)


def take(auth: Auth, response: Response) -> None:
    """Let the browser forget its session."""
    response.delete_cookie(
        cookie_name(auth), path="/", secure=auth.secure, httponly=True, samesite="lax"
    )


# Where to go, and whether it was asked for


def local(text: str, otherwise: str = HOME) -> str:
    """Return the text if it is a path of this server, never the address of another."""
    strange = any(letter.isspace() or ord(letter) < 32 or letter == "\\" for letter in text)
    if not text.startswith("/") or text.startswith("//") or strange:
        return otherwise
    try:
        parts = urlsplit(text)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else text


def csrf(signed: Signed) -> str:
    return signed.csrf


def own_form(auth: Auth, request: Request, form: Form) -> Signed:
    """Return who sent a form that we gave them; SignIn or Stop otherwise."""
    signed = required(auth, request)
    refuse_forged(request, form, signed)
    return signed


def own_page(request: Request, signed: Signed, template: str, **context: Any) -> HTMLResponse:
    """Return a page for who is signed in, whose forms carry what `own_form` looks for."""
    return render(request, template, signed=signed, csrf=signed.csrf, **context)


def refuse_forged(request: Request, form: Form, signed: Signed) -> None:
    """Raise Stop (403) when the form is not one that we gave to this session."""
    refuse_foreign(request)
    if not hmac.compare_digest(form.get("csrf", "").encode(), signed.csrf.encode()):
        raise expired_form()


def refuse_foreign(request: Request) -> None:
    """Raise Stop (403) when the browser says that a page of another site has sent this."""
    if request.headers.get("sec-fetch-site", "") in ("cross-site", "same-site"):
        raise expired_form()
    if request.headers.get("origin") == "null":
        raise expired_form()


def expired_form() -> Stop:
    return Stop(
        403,
        later("This page is too old"),
        later("Nothing was changed. Go back, load the page again and repeat what you did."),
    )


def token(auth: Auth, what: bytes) -> str:
    """Return what only this server can make of these bytes."""
    return hmac.new(auth.keys.secret, b"form " + what, hashlib.sha256).hexdigest()


def _signed(auth: Auth, request: Request, *, complete: bool) -> Signed | None:
    secret = request.cookies.get(cookie_name(auth))
    if not secret:
        return None
    hash_ = digest(secret)
    state = session.c.complete.is_not(None) if complete else session.c.complete.is_(None)
    query = (
        select(session.c.created, session.c.seen < func.clock_timestamp() - SEEN_EVERY, *COLUMNS)
        .join(account, account.c.id == session.c.account)
        .where(session.c.hash == hash_, state, _lives(), account.c.disabled.is_(None))
    )
    with auth.engine.begin() as connection:
        row = connection.execute(query).first()
        if row is None:
            return None
        if row[1]:
            seen = update(session).where(session.c.hash == hash_)
            connection.execute(
                seen.values(seen=func.clock_timestamp(), address=limits.address(request))
            )
        one = Account(*row[2:])
        emergency = opened(connection, one.id) if one.role == "practitioner" else frozenset()
    return Signed(one, hash_, token(auth, hash_), row[0], emergency)


def _lives() -> ColumnElement[bool]:
    return session.c.expires > func.clock_timestamp()
