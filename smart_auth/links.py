"""Links in mails: one use, a time to live, and only the newest of a kind is good."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from smart_auth.hashes import digest, fresh
from smart_auth.tables import mail_link

LIFETIMES: Mapping[str, timedelta] = MappingProxyType(
    {"verify": timedelta(days=3), "recover": timedelta(hours=1), "invite": timedelta(days=7)}
)


@dataclass(frozen=True, slots=True)
class Link:
    account: str
    purpose: str


def make(connection: Connection, account_id: str, purpose: str) -> str:
    """Return a new secret for the link; earlier ones of the same purpose are dead from now on."""
    secret = fresh()
    same = and_(mail_link.c.account == account_id, mail_link.c.purpose == purpose)
    connection.execute(delete(mail_link).where(same))
    row = {
        "hash": digest(secret),
        "account": account_id,
        "purpose": purpose,
        "expires": func.clock_timestamp() + LIFETIMES[purpose],
    }
    connection.execute(insert(mail_link).values(row))
    return secret


def look(connection: Connection, secret: str, purposes: Collection[str]) -> Link | None:
    """Return whose link it is, without using it; None when it is not good (any more)."""
    query = select(mail_link.c.account, mail_link.c.purpose).where(_good(secret, purposes))
    row = connection.execute(query).first()
    return Link(*row) if row else None


def use(connection: Connection, secret: str, purposes: Collection[str]) -> Link | None:
    """Use the link up; of several at the same time one gets it, the others None."""
    used = (
        update(mail_link)
        .where(_good(secret, purposes))
        .values(used=func.clock_timestamp())
        .returning(mail_link.c.account, mail_link.c.purpose)
    )
    row = connection.execute(used).first()
    return Link(*row) if row else None


def forget(connection: Connection) -> None:
    """Delete what has expired."""
    connection.execute(delete(mail_link).where(mail_link.c.expires < func.clock_timestamp()))


def _good(secret: str, purposes: Collection[str]) -> ColumnElement[bool]:
    return and_(
        mail_link.c.hash == digest(secret),
        mail_link.c.purpose.in_(purposes),
        mail_link.c.used.is_(None),
        mail_link.c.expires > func.clock_timestamp(),
    )
