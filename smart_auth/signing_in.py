"""Checks of a password and a code, held against brute force; and what follows when they are right."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response

from smart_auth import letters, limits, passwords, second_factor, sessions
from smart_auth.accounts import Account, Refused, change, find, plain
from smart_auth.auth import Auth
from smart_auth.hashes import fresh
from smart_auth.sessions import Signed, cookie_name, set_cookie
from smart_auth.wording import later, say

WRONG = later("The e-mail address or the password is not right. Check both and try again.")
WRONG_CODE = later(
    "This code is not right, or was used already. Wait for the next one and try again."
)
CLOSED = later("This account is closed. Ask the practice to open it again.")
UNCONFIRMED = later(
    "Confirm your e-mail address first: we have sent you another link. Open it to go on."
)
ADDRESS_MOST = 60
ADDRESS_S = 900
KNOWN_S = 400 * 86400


class Waiting(Refused):
    """Too many tries: come again after so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            say("Too many tries. Wait %(time)s, then try again.", time=limits.in_words(seconds))
        )
        self.seconds = seconds


def check(auth: Auth, request: Request, email: str, password: str) -> Account:
    """Return the account whose password this is; Refused otherwise, in the same words and the same time.

    Nobody learns by it whether an address has an account.
    """
    bucket = _bucket(auth, request, email)
    address = f"login address {limits.address(request)}"
    begin(auth, bucket, address)
    with auth.engine.connect() as connection:
        account = find(connection, email=email)
    if not passwords.verify(account.password if account else None, password) or account is None:
        raise Refused(WRONG)
    _succeeded(auth, bucket, address)
    if account.disabled:
        raise Refused(CLOSED)
    if not account.verified:
        with auth.engine.begin() as connection:
            letters.send_link(connection, auth, account, "verify")
        raise Refused(UNCONFIRMED)
    _hash_anew(auth, account, password)
    return account


def check_again(auth: Auth, request: Request, signed: Signed, password: str) -> None:
    """Let somebody who is signed in prove it once more; Refused otherwise."""
    bucket = f"password {signed.account.id}"
    address = f"login address {limits.address(request)}"
    begin(auth, bucket, address)
    if not passwords.verify(signed.account.password, password):
        raise Refused(later("This is not your password. Check it and try again."), "password")
    _succeeded(auth, bucket, address)


def check_code(auth: Auth, request: Request, account: Account, code: str) -> None:
    """Take a code of the second factor, or a backup code; Refused otherwise."""
    bucket = f"code {account.id}"
    address = f"login address {limits.address(request)}"
    begin(auth, bucket, address)
    with auth.engine.begin() as connection:
        good = second_factor.take(auth, connection, account, code)
    if not good:
        raise Refused(WRONG_CODE, "code")
    _succeeded(auth, bucket, address)


def check_passkey(auth: Auth, request: Request, credential: Mapping[str, Any]) -> Account:
    """Return whose passkey this is; Refused otherwise."""
    from smart_auth import ceremonies  # noqa: PLC0415 - only who has passkeys needs it

    address = f"login address {limits.address(request)}"
    with auth.engine.begin() as connection:
        if wait := limits.allow(connection, address, ADDRESS_MOST, ADDRESS_S):
            raise Waiting(wait)
    account = ceremonies.check(auth, request, credential)
    if account.disabled:
        raise Refused(CLOSED)
    with auth.engine.begin() as connection:
        limits.refund(connection, address)
    return account


def begin(auth: Auth, bucket: str, address: str) -> None:
    """Count an attempt; Waiting when there were too many."""
    with auth.engine.begin() as connection:
        wait = limits.begin(connection, bucket)
    if not wait:
        with auth.engine.begin() as connection:
            wait = limits.allow(connection, address, ADDRESS_MOST, ADDRESS_S)
    if wait:
        raise Waiting(wait)


def admit(auth: Auth, request: Request, account: Account, *, complete: bool) -> str:
    """Begin a session; returns the cookie's value."""
    with auth.engine.begin() as connection:
        return sessions.start(auth, connection, request, account.id, complete=complete)


def remember(auth: Auth, response: Response, email: str) -> None:
    """Let this browser have a count of failed attempts of its own from now on."""
    nonce = fresh()
    set_cookie(auth, response, "known", f"{nonce}.{_vouched(auth, nonce, email)}", KNOWN_S)


def _bucket(auth: Auth, request: Request, email: str) -> str:
    """Return what attempts are counted under: the address, or the owner's own browser."""
    nonce, _, proof = request.cookies.get(cookie_name(auth, "known"), "").partition(".")
    if hmac.compare_digest(proof.encode(), _vouched(auth, nonce, email).encode()):
        return f"login browser {nonce}"
    return f"login account {plain(email)[:254]}"


def _vouched(auth: Auth, nonce: str, email: str) -> str:
    what = f"known {nonce} {plain(email)}".encode()
    return hmac.new(auth.keys.secret, what, hashlib.sha256).hexdigest()


def _succeeded(auth: Auth, bucket: str, address: str) -> None:
    with auth.engine.begin() as connection:
        limits.succeeded(connection, bucket)
        limits.refund(connection, address)


def _hash_anew(auth: Auth, account: Account, password: str) -> None:
    if account.password and passwords.outdated(account.password):
        with auth.engine.begin() as connection:
            change(connection, account.id, password=passwords.hashed(password))


def quoted(path: str) -> str:
    """Return the path as the value of a parameter."""
    return quote(path, safe="")
