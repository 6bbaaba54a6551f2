"""The e-mails about accounts, from the templates in templates/mail: a subject, an empty line, the text."""

from __future__ import annotations

from urllib.parse import quote

from sqlalchemy import Connection

from fhir_server.channels import mail
from smart_auth import limits, links
from smart_auth.accounts import Account
from smart_auth.auth import Auth
from smart_auth.pages import letters

MOST_AN_HOUR = 5
"""To one address, whoever asks for them."""
PATHS = {"verify": "/auth/verify", "recover": "/auth/recover", "invite": "/auth/recover"}


def send_link(connection: Connection, auth: Auth, account: Account, purpose: str) -> None:
    """Queue a mail with a new link of this purpose, unless the address got too many lately."""
    if limits.allow(connection, f"letter {account.email}", MOST_AN_HOUR, 3600):
        return
    secret = links.make(connection, account.id, purpose)
    link = f"{auth.issuer}{PATHS[purpose]}?token={quote(secret)}"
    _queue(connection, auth, account, purpose, link)


def tell(connection: Connection, auth: Auth, account: Account, template: str) -> None:
    """Queue a mail that only tells something, under the same limit when others can cause it."""
    if template in ("known", "unfinished") and limits.allow(
        connection, f"letter {account.email}", MOST_AN_HOUR, 3600
    ):
        return
    _queue(connection, auth, account, template, "")


def _queue(connection: Connection, auth: Auth, account: Account, template: str, link: str) -> None:
    values = {"account": account, "issuer": auth.issuer, "link": link}
    subject, body = parted(letters().get_template(f"{template}.txt").render(values))
    mail.queue(connection, account.email, subject, body, secret=bool(link))


def parted(text: str) -> tuple[str, str]:
    """Return the subject, from the first line of a mail's template, and the text below it."""
    subject, _, body = text.partition("\n\n")
    return subject.removeprefix("Subject: ").strip(), body
