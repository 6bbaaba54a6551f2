"""Hands messages to a mail server, RFC 5321."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from fhir_server.channels.mail import Delayed, Mail, Undeliverable

TIMEOUT_S = 30
PORTS = {"smtp": 25, "smtps": 465}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server and who we are to it."""

    host: str
    port: int
    sender: str
    """Address of the sender, "MedConsult <post@example.org>"."""
    tls: bool = False
    """TLS from the first byte (smtps); otherwise STARTTLS where the server has it."""
    user: str = ""
    password: str = field(default="", repr=False)

    def deliver(self, message: Mail) -> None:
        """Hand one message over; Undeliverable or Delayed otherwise."""
        try:
            written = compose(message, self.sender)
        except ValueError as error:
            raise Undeliverable(f"It cannot be written as an e-mail: {error}") from error
        try:
            self._hand_over(written)
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            raise _refusal(code, reason) from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Undeliverable(f"The mail server cannot take this address: {error}") from error
        except (smtplib.SMTPException, OSError) as error:
            # Ours to mend, or the server's: the message is not to blame.
            raise Delayed(f"{type(error).__name__}: {error}") from error

    def _hand_over(self, message: EmailMessage) -> None:
        with self._connected() as server:
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        server.ehlo_or_helo_if_needed()
        if server.has_extn("starttls") and self.host not in LOOPBACK:
            server.starttls(context=context)
        elif self.user and self.host not in LOOPBACK:
            server.close()
            raise smtplib.SMTPException(
                "the server offers no TLS, and a password is not sent in the clear: use smtps://"
            )
        return server


def server_of(url: str, sender: str) -> Server:
    """Read smtp://user:password@host:port or smtps://...; user and port may be left out."""
    parts = urlsplit(url)
    return Server(
        parts.hostname or "localhost",
        parts.port or PORTS[parts.scheme],
        sender,
        parts.scheme == "smtps",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def compose(message: Mail, sender: str) -> EmailMessage:
    """Return the e-mail; ValueError when an address or the subject would break a header."""
    made = EmailMessage()
    made["From"] = sender
    made["To"] = message.recipient
    made["Subject"] = message.subject
    made["Date"] = format_datetime(message.created)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    made["Message-ID"] = f"<{message.id}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(message.text)
    if message.html:
        made.add_alternative(message.html, subtype="html")
    if message.calendar:
        method = "CANCEL" if "METHOD:CANCEL" in message.calendar else "REQUEST"
        made.add_attachment(
            message.calendar.encode(),
            maintype="text",
            subtype="calendar",
            filename="visit.ics",
            params={"method": method, "charset": "utf-8"},
        )
    return made


def _refusal(code: int, reason: bytes | str) -> Undeliverable | Delayed:
    words = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return (Undeliverable if code >= 500 else Delayed)(f"{code} {words}")
