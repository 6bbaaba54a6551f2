"""Access tokens that ended before their time: rows, told to every process by LISTEN/NOTIFY.

A token is a JWT and is verified without the database; what ended is a short list, since a row may go
once the tokens that it ends have expired. Each process keeps the list in memory. While its own
connection to hear of new rows is down, it asks the database at each check, so a revocation holds at
once or as soon as it is heard of, never later than that.
"""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg2
import psycopg2.extensions
import structlog
from sqlalchemy import Connection, Engine, func
from sqlalchemy import select as selecting
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from smart_auth import expiry
from smart_auth.tables import revocation

CHANNEL = "revocation"
LONGEST = timedelta(days=1)
"""No access token lives longer, so a row need not either."""
_HEARTBEAT = 1.0
_RETRY = 1.0
_DROPPED_WHEN_SILENT: Mapping[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 8000,
    "connect_timeout": 5,
    "application_name": "medconsult revocations",
}
# What a claim's value is called in the table.
_NAMES = (("token", "jti"), ("grant", "grant"), ("account", "account"), ("client", "client_id"))

log = structlog.get_logger("auth")


def names(claims: Mapping[str, Any]) -> list[str]:
    """Return what a token belongs to: "token <jti>", "grant <id>", "account <id>", "client <id>"."""
    return [f"{kind} {claims[claim]}" for kind, claim in _NAMES if claims.get(claim)]


def revoke(connection: Connection, what: str, until: datetime | None = None) -> None:
    """End the access tokens that were issued to it until now; heard of when the transaction commits."""
    expiry.forget(connection, revocation)
    now = func.clock_timestamp()
    row = insert(revocation).values(what=what, since=now, expires=until or now + LONGEST)
    since, expires = connection.execute(
        row.on_conflict_do_update(
            index_elements=[revocation.c.what],
            set_={
                "since": row.excluded.since,
                "expires": func.greatest(revocation.c.expires, row.excluded.expires),
            },
        ).returning(revocation.c.since, revocation.c.expires)
    ).one()
    told = json.dumps([what, since.timestamp(), expires.timestamp()])
    connection.execute(selecting(func.pg_notify(CHANNEL, told)))


def ended(connection: Connection, claims: Mapping[str, Any]) -> bool:
    """Tell whether a token was revoked, by the table itself."""
    since = selecting(func.max(revocation.c.since)).where(revocation.c.what.in_(names(claims)))
    found: datetime | None = connection.execute(since).scalar_one()
    return found is not None and float(claims.get("iat", 0)) <= found.timestamp()


class Revocations:
    """The list of one process. Start it after the process forked; stop it at the end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._since: dict[str, tuple[float, float]] = {}
        self._heard = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="revocations", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def current(self) -> bool:
        """Whether the list in memory is complete; else `holds` asks the database."""
        return self._heard.is_set()

    def wait(self, timeout: float) -> bool:
        """Wait until the list is complete."""
        return self._heard.wait(timeout)

    def holds(self, claims: Mapping[str, Any]) -> bool:
        """Tell whether the token of these claims was revoked."""
        if not self._heard.is_set():
            with self._engine.connect() as connection:
                return ended(connection, claims)
        if not self._since:
            return False
        issued = float(claims.get("iat", 0))
        found = (self._since.get(name) for name in names(claims))
        return any(issued <= row[0] for row in found if row)

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (psycopg2.Error, SQLAlchemyError) as error:
                log.warning("revocations.unheard", error=type(error).__name__)
            finally:
                self._heard.clear()
            self._stop.wait(_RETRY)

    def _follow(self) -> None:
        url = self._engine.url.set(drivername="postgresql")
        session = psycopg2.connect(
            url.render_as_string(hide_password=False), **_DROPPED_WHEN_SILENT
        )
        try:
            session.autocommit = True
            with session.cursor() as cursor:
                # Listening first: what is committed between the two is in the list or is told.
                cursor.execute(f"LISTEN {CHANNEL}")
                self._load()
                self._heard.set()
                while not self._stop.is_set():
                    self._hear(session, cursor)
        finally:
            session.close()

    def _hear(self, session: Any, cursor: Any) -> None:
        """Take in what was told; when nothing is for a while, see whether anybody is there."""
        if select.select([session], [], [], _HEARTBEAT)[0]:
            session.poll()
        else:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            self._forget(float(cursor.fetchone()[0]))
        while session.notifies:
            what, since, expires = json.loads(session.notifies.pop(0).payload)
            self._since[what] = (since, expires)

    def _load(self) -> None:
        with self._engine.connect() as connection:
            rows = connection.execute(selecting(revocation)).all()
        self._since = {row.what: (row.since.timestamp(), row.expires.timestamp()) for row in rows}

    def _forget(self, now: float) -> None:
        for what in [what for what, row in list(self._since.items()) if row[1] < now]:
            del self._since[what]
