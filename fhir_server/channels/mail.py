"""The queue of e-mails: written in the transaction of the change they tell of, delivered afterwards.

A message is sent at least once: when a sender dies between handing it over and noting that, it goes again,
under the same Message-ID. What was delivered loses its text; what was given up keeps it, to be sent again,
unless it holds a link that signs in.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, and_, case, func, insert, or_, select, update

from fhir_server.channels.tables import mail

LEASE = timedelta(minutes=10)
"""How long a sender may take before another one takes the message over."""
FIRST_PAUSE_S = 60
LONGEST_PAUSE_S = 4 * 3600
OLDEST = timedelta(days=3)
"""Older than that, nobody waits for it any more."""
BATCH = 50


@dataclass(frozen=True, slots=True)
class Mail:
    id: str
    recipient: str
    subject: str
    text: str
    html: str
    calendar: str
    """iCalendar of an appointment, to be attached; "" for none."""
    created: datetime
    attempts: int = 0
    """Including the one that is under way."""
    sent: datetime | None = None
    failed: datetime | None = None
    error: str = ""


class Undeliverable(Exception):
    """The message will never be taken: no such recipient, say."""


class Delayed(Exception):
    """Not now: the mail server cannot be reached or asks to come again."""


Deliver = Callable[[Mail], None]
"""Hands a message over; raises Undeliverable or Delayed."""
_COLUMNS = [mail.c[name] for name in Mail.__slots__]


def queue(
    connection: Connection,
    recipient: str,
    subject: str,
    text: str,
    html: str = "",
    calendar: str = "",
    *,
    secret: bool = False,
) -> str:
    """Queue a message in the connection's transaction; returns its id.

    secret: it holds a link that signs in, so nothing of it is kept once it was given up.
    """
    id_ = str(uuid.uuid4())
    row = {"id": id_, "recipient": recipient, "subject": subject, "text": text, "secret": secret}
    connection.execute(insert(mail).values(row | {"html": html, "calendar": calendar}))
    return id_


def newest(connection: Connection, count: int, state: str = "") -> list[Mail]:
    """Return the messages that were queued last, newest first; state: one of STATES, "" for any."""
    query = select(*_COLUMNS).order_by(mail.c.created.desc()).limit(count)
    if state in _IN_STATE:
        query = query.where(_IN_STATE[state])
    return [Mail(*row) for row in connection.execute(query)]


_IN_STATE = {
    "waiting": and_(mail.c.sent.is_(None), mail.c.failed.is_(None)),
    "sent": mail.c.sent.is_not(None),
    "failed": mail.c.failed.is_not(None),
}
STATES = tuple(_IN_STATE)


def deliver_due(engine: Engine, deliver: Deliver, most: int = BATCH) -> int:
    """Deliver what is due, at most so many messages; returns how many were tried.

    Several processes may do it at once: each takes other messages.
    """
    for done in range(most):
        with engine.begin() as connection:
            message = _take(connection)
        if message is None:
            return done
        with engine.begin() as connection:
            connection.execute(
                update(mail).where(mail.c.id == message.id).values(_outcome(message, deliver))
            )
    return most


def _take(connection: Connection) -> Mail | None:
    """Take the message that is due longest; while it is being sent it is not due."""
    now = func.clock_timestamp()
    due = (
        select(mail.c.id)
        .where(mail.c.sent.is_(None), mail.c.failed.is_(None), mail.c.due <= now)
        .order_by(mail.c.due)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = (
        update(mail)
        .where(mail.c.id == due)
        .values(due=now + LEASE, attempts=mail.c.attempts + 1)
        .returning(*_COLUMNS)
    )
    row = connection.execute(taken).first()
    return Mail(*row) if row else None


def _outcome(message: Mail, deliver: Deliver) -> dict[str, object]:
    """Deliver, and return what its row has to say of that."""
    now = func.clock_timestamp()
    try:
        deliver(message)
    except Undeliverable as error:
        return {"failed": now, "error": str(error), **_WITHOUT_SECRET}
    except Delayed as error:
        return {"due": now + pause(message.attempts), "error": str(error)}
    return {"sent": now, "error": "", **dict.fromkeys(_WORDS, "")}


_WORDS = ("text", "html", "calendar")
_WITHOUT_SECRET = {name: case((mail.c.secret, ""), else_=mail.c[name]) for name in _WORDS}


def pause(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: twice as long each time."""
    return timedelta(seconds=min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempts - 1, 20)))


def give_up_old(connection: Connection) -> int:
    """Mark what could not be delivered in days as failed; returns how many."""
    now = func.clock_timestamp()
    old = (
        update(mail)
        .where(mail.c.sent.is_(None), mail.c.failed.is_(None), mail.c.created < now - OLDEST)
        .values(failed=now, error=func.concat("Given up. ", mail.c.error), **_WITHOUT_SECRET)
    )
    return connection.execute(old).rowcount


def forget(connection: Connection, after: timedelta) -> None:
    """Delete what was delivered or given up that long ago."""
    ended = func.clock_timestamp() - after
    connection.execute(mail.delete().where(or_(mail.c.sent < ended, mail.c.failed < ended)))


def resend(connection: Connection, id_: str) -> bool:
    """Let a message that waits, or was given up and still has its text, be due now; False otherwise.

    Its age counts from now: it is tried for as long as a new one.
    """
    again = update(mail).where(mail.c.id == id_, mail.c.sent.is_(None), mail.c.text != "")
    now = func.clock_timestamp()
    values = {"failed": None, "due": now, "created": now, "attempts": 0, "error": ""}
    return connection.execute(again.values(values)).rowcount == 1
