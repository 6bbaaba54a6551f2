"""The second factor: codes of an app (TOTP, RFC 6238), and backup codes for when the phone is lost."""

from __future__ import annotations

import hashlib
import hmac
import io
import secrets
import time
from base64 import b64encode

import pyotp
import segno
from sqlalchemy import Connection, delete, func, insert, select, update

from smart_auth.accounts import Account, change
from smart_auth.auth import Auth
from smart_auth.tables import account as table
from smart_auth.tables import backup_code

STEP_S = 30
DRIFT = 1
"""Steps that a phone's clock may be off, either way."""
CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def propose(auth: Auth, connection: Connection, account_id: str) -> str:
    """Store a new secret, not asked for before it is confirmed; returns it in base 32."""
    secret = pyotp.random_base32()
    sealed = auth.keys.encrypt(secret.encode())
    change(connection, account_id, totp=sealed, totp_confirmed=None, totp_step=0)
    return secret


def secret_of(auth: Auth, account: Account) -> str:
    """Return the secret in base 32; "" when there is none."""
    return auth.keys.decrypt(account.totp).decode() if account.totp else ""


def address(auth: Auth, account: Account) -> str:
    """Return the otpauth:// address that apps read."""
    made = pyotp.TOTP(secret_of(auth, account))
    return made.provisioning_uri(name=account.email, issuer_name="MedConsult")


def picture(text: str) -> str:
    """Return a QR code as the URL of an SVG image."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", scale=4, border=4, xmldecl=False)
    return "data:image/svg+xml;base64," + b64encode(out.getvalue()).decode()


def confirm(auth: Auth, connection: Connection, account: Account, code: str) -> list[str] | None:
    """Turn the second factor on; returns backup codes, None when the code is wrong."""
    if not _take_step(auth, connection, account, code):
        return None
    change(connection, account.id, totp_confirmed=func.clock_timestamp())
    return new_codes(auth, connection, account.id)


def turn_off(connection: Connection, account_id: str) -> None:
    change(connection, account_id, totp=None, totp_confirmed=None, totp_step=0)
    connection.execute(delete(backup_code).where(backup_code.c.account == account_id))


def take(auth: Auth, connection: Connection, account: Account, code: str) -> bool:
    """Use a code up, of the app or a backup code; False when it is wrong or was used."""
    return _take_step(auth, connection, account, code) or _take_backup(
        auth, connection, account.id, code
    )


def new_codes(auth: Auth, connection: Connection, account_id: str) -> list[str]:
    """Make new backup codes, shown this once; the old ones are dead."""
    connection.execute(delete(backup_code).where(backup_code.c.account == account_id))
    made = ["".join(secrets.choice(_LETTERS) for _ in range(12)) for _ in range(CODES)]
    rows = [{"hash": _hash(auth, account_id, code), "account": account_id} for code in made]
    connection.execute(insert(backup_code), rows)
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in made]


def codes_left(connection: Connection, account_id: str) -> int:
    unused = backup_code.c.used.is_(None)
    query = select(func.count()).where(backup_code.c.account == account_id, unused)
    return int(connection.execute(query).scalar_one())


def _take_step(auth: Auth, connection: Connection, account: Account, code: str) -> bool:
    """Take the code's step of time, and no earlier one ever after."""
    digits = "".join(code.split())
    if not account.totp or not (digits.isascii() and digits.isdigit()):
        return False
    made = pyotp.TOTP(secret_of(auth, account))
    now = int(time.time()) // STEP_S
    near = range(now - DRIFT, now + DRIFT + 1)
    step = next((each for each in near if hmac.compare_digest(made.generate_otp(each), digits)), 0)
    later = update(table).where(table.c.id == account.id, table.c.totp_step < step)
    return bool(step) and connection.execute(later.values(totp_step=step)).rowcount == 1


def _take_backup(auth: Auth, connection: Connection, account_id: str, code: str) -> bool:
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    unused = update(backup_code).where(
        backup_code.c.hash == _hash(auth, account_id, plain), backup_code.c.used.is_(None)
    )
    return connection.execute(unused.values(used=func.clock_timestamp())).rowcount == 1


def _hash(auth: Auth, account_id: str, code: str) -> bytes:
    """Hash with the server's key: 59 bits could be guessed from a plain hash."""
    what = f"backup {account_id} {code}".encode()
    return hmac.new(auth.keys.secret, what, hashlib.sha256).digest()
