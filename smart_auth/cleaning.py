"""Deletes what has expired and nobody asks for any more; now and then, in the background."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, delete, func

from fhir_server.channels import mail
from smart_auth import limits, links, sessions
from smart_auth.tables import app_request, assertion, code, launch

MAIL_KEPT = timedelta(days=30)
EXPIRING = (assertion, app_request, launch, code)


def clean(engine: Engine) -> None:
    with engine.begin() as connection:
        limits.forget(connection)
        sessions.forget(connection)
        links.forget(connection)
        mail.give_up_old(connection)
        mail.forget(connection, MAIL_KEPT)
    for table in EXPIRING:
        # A used code is kept a day longer: its second use has to end what it gave.
        old = table.c.expires < func.clock_timestamp() - timedelta(days=1)
        with engine.begin() as connection:
            connection.execute(delete(table).where(old))
