"""The two ceremonies of WebAuthn: a passkey is made, and signs in; the device's lock is the second factor.

A challenge is not stored: the browser holds it, sealed; once it was answered its id is kept until it expires.
Loaded when the first passkey is used: the library takes 6 MB of each worker.
"""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import webauthn
from cryptography.exceptions import InvalidTag
from fastapi import Request, Response
from sqlalchemy import Connection, exc, func, insert, select, update
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from smart_auth import passkeys
from smart_auth.accounts import Account, Refused, find
from smart_auth.auth import Auth
from smart_auth.sessions import cookie_name, set_cookie
from smart_auth.tables import assertion, passkey

LIFETIME_S = 300
LONGEST_NAME = 60
MOST = 20
"""Passkeys of one account."""
TOO_LATE = "This took too long, or was answered already. Start again."
UNKNOWN = "This passkey does not belong to an account here. Use your password."
BAD = "The passkey could not be checked. Start again, or use your password."


def creation(auth: Auth, account: Account) -> tuple[dict[str, Any], str]:
    """Return the options for navigator.credentials.create, and the sealed challenge."""
    with auth.engine.connect() as connection:
        known = [
            PublicKeyCredentialDescriptor(id=key.id)
            for key in passkeys.listed(connection, account.id)
        ]
    if len(known) >= MOST:
        raise Refused(f"An account may have {MOST} passkeys. Remove one first.")
    challenge = secrets.token_bytes(32)
    options = webauthn.generate_registration_options(
        rp_id=passkeys.host(auth),
        rp_name="MedConsult",
        user_name=account.email,
        user_id=account.id.encode(),
        user_display_name=account.name or account.email,
        challenge=challenge,
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return json.loads(webauthn.options_to_json(options)), _seal(auth, challenge, account.id)


def add(
    auth: Auth, request: Request, account: Account, credential: Mapping[str, Any], name: str
) -> None:
    """Store the passkey that the browser made; Refused when it does not answer our challenge."""
    challenge = _open(auth, request, account.id)
    try:
        found = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=passkeys.host(auth),
            expected_origin=auth.issuer,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Refused(BAD) from error
    row = {
        "id": found.credential_id,
        "account": account.id,
        "public_key": found.credential_public_key,
        "sign_count": found.sign_count,
        "name": name.strip()[:LONGEST_NAME],
    }
    try:
        with auth.engine.begin() as connection:
            _use(connection, challenge)
            connection.execute(insert(passkey).values(row))
    except exc.IntegrityError:
        raise Refused("This passkey was added already.") from None


def request_options(auth: Auth) -> tuple[dict[str, Any], str]:
    """Return the options for navigator.credentials.get, and the sealed challenge."""
    challenge = secrets.token_bytes(32)
    options = webauthn.generate_authentication_options(
        rp_id=passkeys.host(auth),
        challenge=challenge,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return json.loads(webauthn.options_to_json(options)), _seal(auth, challenge, "")


def check(auth: Auth, request: Request, credential: Mapping[str, Any]) -> Account:
    """Return whose passkey answered our challenge; Refused otherwise."""
    challenge = _open(auth, request, "")
    with auth.engine.begin() as connection:
        _use(connection, challenge)
        id_ = _credential_id(credential)
        row = connection.execute(
            select(passkey.c.account, passkey.c.public_key, passkey.c.sign_count)
            .where(passkey.c.id == id_)
            .with_for_update()
        ).first()
        account = find(connection, id=row[0]) if row else None
    if row is None or account is None:
        raise Refused(UNKNOWN)
    count = _verified(auth, credential, challenge, row[1], row[2])
    with auth.engine.begin() as connection:
        used = update(passkey).where(passkey.c.id == id_)
        connection.execute(used.values(sign_count=count, used=func.clock_timestamp()))
    return account


def _verified(
    auth: Auth, credential: Mapping[str, Any], challenge: bytes, public_key: bytes, count: int
) -> int:
    """Return the new count of signatures; Refused also when it has not grown: a copied key."""
    try:
        return webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=passkeys.host(auth),
            expected_origin=auth.issuer,
            credential_public_key=public_key,
            credential_current_sign_count=count,
            require_user_verification=True,
        ).new_sign_count
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Refused(BAD) from error


def _credential_id(credential: Mapping[str, Any]) -> bytes:
    try:
        return webauthn.base64url_to_bytes(credential["rawId"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(BAD) from error


def give(auth: Auth, response: Response, sealed: str) -> None:
    """Let the browser hold the sealed challenge."""
    set_cookie(auth, response, "challenge", sealed, LIFETIME_S)


def _seal(auth: Auth, challenge: bytes, account_id: str) -> str:
    content = [challenge.hex(), account_id, int(time.time()) + LIFETIME_S]
    return urlsafe_b64encode(auth.keys.encrypt(json.dumps(content).encode())).decode()


def _open(auth: Auth, request: Request, account_id: str) -> bytes:
    """Return the challenge that the browser holds; it was made for this account, or for signing in."""
    sealed = request.cookies.get(cookie_name(auth, "challenge"), "")
    try:
        content = json.loads(auth.keys.decrypt(urlsafe_b64decode(sealed)))
    except (InvalidTag, ValueError) as error:
        raise Refused(TOO_LATE) from error
    challenge, owner, expires = content
    if owner != account_id or expires < time.time():
        raise Refused(TOO_LATE)
    return bytes.fromhex(challenge)


def _use(connection: Connection, challenge: bytes) -> None:
    """Note that it was answered; Refused when it had been."""
    expires = func.clock_timestamp() + timedelta(seconds=LIFETIME_S)
    row = {"client": "passkey", "jti": challenge.hex(), "expires": expires}
    try:
        with connection.begin_nested():
            connection.execute(insert(assertion).values(row))
    except exc.IntegrityError:
        raise Refused(TOO_LATE) from None
