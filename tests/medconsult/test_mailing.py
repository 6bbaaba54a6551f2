"""`medconsult serve` sends queued mails by itself."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy import func, insert, select

from fhir_server.channels import mail
from medconsult.mailing import in_background, mail_server
from medconsult.migrations import engine
from medconsult.settings import Settings
from smart_auth.tables import attempt


class Mailbox:
    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        self.taken.append(envelope.content)
        return "250 OK"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_queued_mails_are_sent_and_old_attempts_deleted(
    empty_database: str, tmp_path: Path
) -> None:
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, "127.0.0.1", port)
    controller.start()
    database = engine(empty_database)
    with database.begin() as connection:
        mail.queue(connection, "ada@example.org", "Hello", "Hello.")
        two_days_ago = func.clock_timestamp() - func.make_interval(0, 0, 0, 2)
        connection.execute(insert(attempt).values(name="old", at=two_days_ago))
    settings = Settings(
        database_url=empty_database, data_dir=tmp_path, smtp_url=f"smtp://127.0.0.1:{port}"
    )
    with in_background(settings):
        end = time.monotonic() + 20
        while time.monotonic() < end and (not mailbox.taken or left(database)):
            time.sleep(0.1)
    controller.stop()
    assert len(mailbox.taken) == 1
    assert left(database) == 0


def left(database: Any) -> int:
    with database.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(attempt)).scalar_one())


def test_without_a_mail_server_nothing_is_sent(tmp_path: Path) -> None:
    assert mail_server(Settings(data_dir=tmp_path)) is None
