"""Passkeys (WebAuthn) of an account: listed, removed. How they are made and used: `ceremonies`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, select

from smart_auth.auth import Auth
from smart_auth.tables import passkey


@dataclass(frozen=True, slots=True)
class Passkey:
    id: bytes
    name: str
    created: datetime
    used: datetime | None


def possible(auth: Auth) -> bool:
    """Tell whether browsers allow passkeys here: for a host by name, not by number."""
    try:
        ip_address(host(auth))
    except ValueError:
        return True
    return False


def host(auth: Auth) -> str:
    return urlsplit(auth.issuer).hostname or ""


def listed(connection: Connection, account_id: str) -> list[Passkey]:
    columns = [passkey.c[name] for name in Passkey.__slots__]
    query = select(*columns).where(passkey.c.account == account_id).order_by(passkey.c.created)
    return [Passkey(*row) for row in connection.execute(query)]


def remove(connection: Connection, account_id: str, id_: bytes) -> None:
    theirs = delete(passkey).where(passkey.c.id == id_, passkey.c.account == account_id)
    connection.execute(theirs)
