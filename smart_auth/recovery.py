"""A new password by a link in a mail: for who forgot it, and for who was invited."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from fastapi import Request
from sqlalchemy import Connection

from smart_auth import accounts, letters, limits, links, passwords, sessions
from smart_auth.accounts import Account, Refused
from smart_auth.auth import Auth
from smart_auth.pages import Stop
from smart_auth.signing_in import Waiting
from smart_auth.wording import later

PURPOSES = ("recover", "invite")
SENT = later(
    "If there is an account of %(email)s, we have sent a link there. It is good for one hour."
)
ADDRESS_MOST = 30
LEAST_S = 0.2


def ask(auth: Auth, request: Request, email: str) -> None:
    """Send a link if there is such an account; nobody can tell by answer or time whether there is."""
    accounts.refuse_email(email)
    with auth.engine.begin() as connection:
        name = f"recover address {limits.address(request)}"
        if wait := limits.allow(connection, name, ADDRESS_MOST, 3600):
            raise Waiting(wait)
    with _at_least(LEAST_S), auth.engine.begin() as connection:
        account = accounts.find(connection, email=email)
        if account is not None and not account.disabled:
            _write(auth, connection, account)


def invite(connection: Connection, auth: Auth, account: Account) -> None:
    """Send a link by which somebody chooses the first password of their account."""
    letters.send_link(connection, auth, account, "invite")


def choose(auth: Auth, secret: str, password: str) -> None:
    """Set the password by the link, which is used up, and end all sessions; Refused otherwise."""
    with auth.engine.begin() as connection:
        found = links.look(connection, secret, PURPOSES)
        account = accounts.find(connection, id=found.account) if found else None
        if account is None:
            raise Refused(later("This link has expired or was used already."))
        if weak := passwords.weakness(password, (account.email, account.name)):
            raise Refused(weak, "password")
        if links.use(connection, secret, PURPOSES) is None:
            raise Refused(later("This link has expired or was used already."))
        renew(auth, connection, account, password)


def renew(
    auth: Auth, connection: Connection, account: Account, password: str, besides: bytes = b""
) -> None:
    """Set the password, end the other sessions, let waiting end, and tell the owner."""
    accounts.set_password(connection, account.id, password)
    accounts.verify(connection, account.id)
    sessions.end_all(connection, account.id, besides)
    limits.succeeded(connection, f"login account {account.email}")
    if account.password:
        letters.tell(connection, auth, account, "changed")


def refuse_unless_good(auth: Auth, secret: str, purposes: Collection[str]) -> dict[str, object]:
    """Return what the page says of a link; Stop when it is not good (any more)."""
    with auth.engine.connect() as connection:
        link = links.look(connection, secret, purposes)
        account = accounts.find(connection, id=link.account) if link else None
    if link is None or account is None or account.disabled:
        lead = (
            ("/auth/login", later("Sign in"))
            if "verify" in purposes
            else ("/auth/recover", later("Ask for another"))
        )
        raise Stop(
            410,
            later("This link is no longer good"),
            later(
                "It was used already, or it is too old. If you still need it, ask for another one; "
                "signing in sends one too when your address is not confirmed."
            ),
            link=lead,
        )
    return {"email": account.email, "invited": link.purpose == "invite"}


def _write(auth: Auth, connection: Connection, account: Account) -> None:
    if not account.verified and account.registration is not None:
        letters.tell(connection, auth, account, "unfinished")
        return
    letters.send_link(connection, auth, account, "recover")


@contextmanager
def _at_least(seconds: float) -> Iterator[None]:
    """Take so long however much there was to do."""
    began = time.monotonic()
    yield
    time.sleep(max(0.0, began + seconds - time.monotonic()))
