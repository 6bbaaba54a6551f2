"""How often something may be tried: by an account, by an address.

Whoever knows an e-mail address can make attempts at its account, so those only make everyone wait longer who
has never signed in to it, a quarter of an hour at most; the owner's own browser has a count of its own.
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select

from smart_auth.tables import attempt
from smart_auth.wording import say_many

DAY = 86400
FREE = 8
"""Failed attempts a day before one has to wait."""
FIRST_WAIT = 15
LONGEST_WAIT = 900
LOOPBACK = frozenset({"127.0.0.1", "::1"})


def address(request: Request) -> str:
    """Return the address that a request comes from; a proxy on this machine tells whom it speaks for."""
    peer = request.client.host if request.client else ""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return told[:64] if told and peer in LOOPBACK else peer


def allow(connection: Connection, name: str, most: int, seconds: int) -> int:
    """Count an attempt; returns the seconds to wait when there were too many of them lately, else 0."""
    _alone(connection, name)
    recent = and_(attempt.c.name == name, _age() < seconds)
    ages = select(_age()).where(recent).order_by(attempt.c.at.desc()).offset(most - 1).limit(1)
    age = connection.execute(ages).scalar()
    if age is not None:
        return max(1, round(seconds - float(age)))
    connection.execute(insert(attempt).values(name=name))
    return 0


def begin(connection: Connection, name: str) -> int:
    """Count an attempt as failed until `succeeded`; returns the seconds to wait first, else 0.

    It is counted before it is known to fail, or many at the same time would all pass.
    """
    _alone(connection, name)
    query = select(func.count(), func.min(_age())).where(attempt.c.name == name, _age() < DAY)
    count, age = connection.execute(query).one()
    if count >= FREE and (left := wait_after(count) - float(age)) > 0:
        return max(1, round(left))
    connection.execute(insert(attempt).values(name=name))
    return 0


def wait_after(failures: int) -> int:
    """Return the seconds between the last of so many failed attempts and the next."""
    if failures < FREE:
        return 0
    return int(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(failures - FREE, 20)))


def succeeded(connection: Connection, name: str) -> None:
    """Forget the failed attempts."""
    connection.execute(delete(attempt).where(attempt.c.name == name))


def refund(connection: Connection, name: str) -> None:
    """Take the newest attempt back: it was a good one."""
    newest = select(func.max(attempt.c.at)).where(attempt.c.name == name).scalar_subquery()
    connection.execute(delete(attempt).where(attempt.c.name == name, attempt.c.at == newest))


def forget(connection: Connection) -> None:
    """Delete what no limit asks for any more."""
    connection.execute(delete(attempt).where(_age() > DAY))


def in_words(seconds: int) -> str:
    """Return "15 seconds", "2 minutes"."""
    if seconds < 90:
        return say_many("%(number)s second", "%(number)s seconds", seconds)
    return say_many("%(number)s minute", "%(number)s minutes", -(-seconds // 60))


def _age() -> ColumnElement[Any]:
    return func.extract("epoch", func.clock_timestamp() - attempt.c.at)


def _alone(connection: Connection, name: str) -> None:
    """Let attempts under one name pass one after the other, to the end of the transaction."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
