"""Sending queued e-mails, and deleting what has expired, in the background of `medconsult serve`."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager
from functools import partial

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from fhir_server.channels import mail
from fhir_server.channels.smtp import Server, server_of
from medconsult import background
from medconsult.migrations import engine
from medconsult.settings import Settings
from smart_auth.cleaning import clean

LOOK_S = 2.0
CLEAN_S = 3600.0
END_S = 5.0

log = structlog.get_logger(__name__)


def in_background(settings: Settings) -> AbstractContextManager[None]:
    """Send what is queued, in a thread, until the context ends."""
    return background.in_background(partial(_until, settings), END_S)


def mail_server(settings: Settings) -> Server | None:
    """Return the mail server of the settings, None when they name none."""
    url = settings.smtp_url.get_secret_value()
    return server_of(url, settings.mail_from) if url else None


def _until(settings: Settings, stopping: threading.Event) -> None:
    database = engine(settings.database_url)
    server = mail_server(settings)
    clean_at = 0.0
    while not stopping.wait(LOOK_S):
        try:
            if server is not None:
                send(database, server)
            if time.monotonic() >= clean_at:
                clean(database)
                clean_at = time.monotonic() + CLEAN_S
        except SQLAlchemyError as error:
            # The database may be starting anew; what was done is noted there.
            log.warning("mail.interrupted", error=type(error).__name__)


def send(database: Engine, server: Server) -> int:
    """Send what is due; returns how many messages were tried."""
    tried = mail.deliver_due(database, server.deliver)
    if tried:
        log.info("mail.tried", count=tried)
    return tried
