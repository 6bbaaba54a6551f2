"""Mails leave the queue through a real SMTP server, once, and those that nobody takes are marked."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from sqlalchemy import Engine, func, select, update

from fhir_server.channels import mail
from fhir_server.channels.smtp import Server, server_of
from fhir_server.channels.tables import mail as table
from medconsult.migrations import engine as engine_of

SENDER = "MedConsult <post@example.org>"


@dataclass
class Mailbox:
    """What a mail server was given; refuses some recipients, for good or for now."""

    taken: list[Message] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("full"):
            return "452 4.2.2 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        self.taken.append(message_from_bytes(envelope.content))
        return "250 OK"


def authenticate(_: Any, __: Any, ___: Any, mechanism: str, given: LoginPassword) -> AuthResult:
    right = (given.login, given.password) == (b"me", b"a@b/c")
    return AuthResult(success=right, handled=right)


@pytest.fixture
def engine(empty_database: str) -> Engine:
    return engine_of(empty_database)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    number = free_port()
    controller = Controller(
        mailbox,
        "127.0.0.1",
        number,
        authenticator=authenticate,
        auth_require_tls=False,
    )
    controller.start()
    yield number
    controller.stop()


@pytest.fixture
def server(port: int) -> Server:
    return server_of(f"smtp://127.0.0.1:{port}", SENDER)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def queue(engine: Engine, recipient: str = "ada@example.org", **also: str) -> None:
    with engine.begin() as connection:
        mail.queue(
            connection, recipient, also.get("subject", "Hello"), "Zażółć", also.get("html", "")
        )


def row(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(table)).one()


def make_due(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(table).values(due=func.clock_timestamp()))


def test_a_queued_mail_is_sent_once(engine: Engine, server: Server, mailbox: Mailbox) -> None:
    queue(engine, html="<p>Zażółć</p>")
    assert mail.deliver_due(engine, server.deliver) == 1
    assert mail.deliver_due(engine, server.deliver) == 0
    [sent] = mailbox.taken
    assert (sent["To"], sent["From"], sent["Subject"]) == ("ada@example.org", SENDER, "Hello")
    assert sent["Auto-Submitted"] == "auto-generated"
    plain, html = sent.get_payload()  # type: ignore[misc]
    assert "Zażółć" in plain.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert html.get_content_type() == "text/html"  # type: ignore[union-attr]


def test_what_was_sent_loses_its_text(engine: Engine, server: Server) -> None:
    queue(engine)
    mail.deliver_due(engine, server.deliver)
    stored = row(engine)
    assert stored.sent
    assert (stored.text, stored.html, stored.error) == ("", "", "")


def test_a_mail_of_a_change_that_was_undone_is_not_sent(engine: Engine, server: Server) -> None:
    with engine.connect() as connection:
        mail.queue(connection, "ada@example.org", "Hello", "")
        connection.rollback()
    assert mail.deliver_due(engine, server.deliver) == 0


def test_a_recipient_that_does_not_exist_is_given_up(
    engine: Engine, server: Server, mailbox: Mailbox
) -> None:
    queue(engine, "nobody@example.org")
    mail.deliver_due(engine, server.deliver)
    stored = row(engine)
    assert stored.failed
    assert "550" in stored.error
    make_due(engine)
    assert mail.deliver_due(engine, server.deliver) == 0
    assert mailbox.taken == []


@pytest.mark.parametrize("secret", [False, True])
def test_what_was_given_up_can_be_sent_again_unless_it_signs_in(
    engine: Engine, server: Server, secret: bool
) -> None:
    with engine.begin() as connection:
        id_ = mail.queue(connection, "nobody@example.org", "Hello", "Zażółć", secret=secret)
    mail.deliver_due(engine, server.deliver)
    assert (row(engine).text == "") == secret
    with engine.begin() as connection:
        assert mail.resend(connection, id_) != secret
        assert len(mail.newest(connection, 9, "waiting")) == (0 if secret else 1)
    assert mail.deliver_due(engine, server.deliver) == (0 if secret else 1)
    assert row(engine).failed, "it is still nobody's address"


def test_a_full_mailbox_is_tried_again_later(engine: Engine, server: Server) -> None:
    queue(engine, "full@example.org")
    mail.deliver_due(engine, server.deliver)
    stored = row(engine)
    assert (stored.failed, stored.sent, stored.attempts) == (None, None, 1)
    assert "452" in stored.error
    assert 50 < (stored.due - stored.created).total_seconds() < 80
    assert stored.text == "Zażółć"
    make_due(engine)
    mail.deliver_due(engine, server.deliver)
    assert row(engine).attempts == 2


def test_a_server_that_does_not_answer_loses_nothing(
    engine: Engine, server: Server, mailbox: Mailbox
) -> None:
    queue(engine)
    gone = server_of(f"smtp://127.0.0.1:{free_port()}", SENDER)
    mail.deliver_due(engine, gone.deliver)
    assert "Refused" in row(engine).error
    make_due(engine)
    mail.deliver_due(engine, server.deliver)
    assert len(mailbox.taken) == 1
    assert row(engine).error == ""


def test_the_password_of_the_mail_server_is_used(
    engine: Engine, port: int, mailbox: Mailbox
) -> None:
    queue(engine)
    wrong = server_of(f"smtp://me:nothing@127.0.0.1:{port}", SENDER)
    mail.deliver_due(engine, wrong.deliver)
    stored = row(engine)
    assert stored.failed is None, "ours to mend: the mail is not to blame"
    assert "535" in stored.error
    make_due(engine)
    right = server_of(f"smtp://me:a%40b%2Fc@127.0.0.1:{port}", SENDER)
    mail.deliver_due(engine, right.deliver)
    assert len(mailbox.taken) == 1
    assert "a@b/c" not in repr(right)


@pytest.mark.parametrize(
    ("recipient", "subject"),
    [
        ("ada@example.org\nBcc: eve@example.org", "Hello"),
        ("ada@example.org", "Hello\r\nBcc: eve@x.y"),
    ],
)
def test_nobody_adds_headers(
    recipient: str, subject: str, engine: Engine, server: Server, mailbox: Mailbox
) -> None:
    queue(engine, recipient, subject=subject)
    mail.deliver_due(engine, server.deliver)
    assert row(engine).failed
    assert mailbox.taken == []


def test_two_senders_never_send_the_same_mail(
    engine: Engine, server: Server, mailbox: Mailbox
) -> None:
    queue(engine)

    def deliver(message: mail.Mail) -> None:
        assert mail.deliver_due(engine, server.deliver) == 0
        server.deliver(message)

    assert mail.deliver_due(engine, deliver) == 1
    assert len(mailbox.taken) == 1


def test_a_sender_that_died_is_succeeded(engine: Engine, server: Server, mailbox: Mailbox) -> None:
    queue(engine)

    def die(_: mail.Mail) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mail.deliver_due(engine, die)
    assert mail.deliver_due(engine, server.deliver) == 0
    make_due(engine)
    assert mail.deliver_due(engine, server.deliver) == 1


def test_what_is_days_old_is_given_up(engine: Engine, server: Server) -> None:
    queue(engine)
    with engine.begin() as connection:
        assert mail.give_up_old(connection) == 0
        long_ago = table.c.created - mail.OLDEST
        connection.execute(update(table).values(created=long_ago))
        assert mail.give_up_old(connection) == 1
    assert mail.deliver_due(engine, server.deliver) == 0
    assert row(engine).error.startswith("Given up.")


def test_pauses_grow_to_four_hours() -> None:
    pauses = [mail.pause(attempts).total_seconds() for attempts in (1, 2, 3, 9, 100)]
    assert pauses == [60, 120, 240, 4 * 3600, 4 * 3600]
