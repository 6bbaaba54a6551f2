"""Accounts, apps and what was granted to them, as SQLAlchemy metadata; Alembic's migrations make the same.

A secret that somebody else holds (cookie, code, refresh token, link in a mail) is stored as its SHA-256
only; a password as argon2id; what the server itself has to know (TOTP) is encrypted.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()


def _id() -> Column[Any]:
    """Return a UUID as text: it stands in URLs and tokens."""
    return Column("id", Text(collation="C"), primary_key=True)


def _hash() -> Column[Any]:
    return Column("hash", LargeBinary, primary_key=True)


def _word(name: str, **also: Any) -> Column[Any]:
    """Return a text that is never NULL: "" where there is nothing."""
    return Column(name, Text, nullable=False, server_default="", **also)


def _words(name: str) -> Column[Any]:
    return Column(name, ARRAY(Text), nullable=False, server_default="{}")


def _time(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _now(name: str) -> Column[Any]:
    return Column(
        name, DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")
    )


def _of(table: str, name: str = "", *, nullable: bool = False) -> Column[Any]:
    """Return the reference to a row of another table, with which this row goes."""
    return Column(
        name or table,
        Text(collation="C"),
        ForeignKey(f"{table}.id", ondelete="CASCADE"),
        nullable=nullable,
    )


account = Table(
    "account",
    metadata,
    _id(),
    Column("email", Text, nullable=False, unique=True),  # lower case
    Column("password", Text, nullable=True),  # argon2id; NULL until it was set
    Column("role", Text, nullable=False),
    _word("fhir_user"),  # "Patient/1"
    _word("name"),
    _now("created"),
    _time("verified"),
    _time("disabled"),
    # What a patient said of themselves; their Patient is made of it once the address is confirmed.
    Column("registration", JSONB(none_as_null=True), nullable=True),
    Column("totp", LargeBinary, nullable=True),  # encrypted
    _time("totp_confirmed"),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),  # the last one used
)

backup_code = Table("backup_code", metadata, _hash(), _of("account"), _time("used"))

passkey = Table(
    "passkey",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    _of("account"),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    _word("name"),
    _now("created"),
    _time("used"),
    Index("passkey_account", "account"),
)

session = Table(
    "session",
    metadata,
    _hash(),
    _of("account"),
    _now("created"),
    _now("seen"),
    _time("expires", nullable=False),
    _word("address"),
    _word("agent"),
    # The second factor is still asked for while this is NULL, if the account has one.
    _time("complete"),
    Index("session_account", "account"),
)

mail_link = Table(
    "mail_link",
    metadata,
    _hash(),
    _of("account"),
    Column("purpose", Text, nullable=False),  # verify, recover, invite
    _time("expires", nullable=False),
    _time("used"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("name", Text, nullable=False),  # "login account a@b.org", "login address 1.2.3.4"
    _now("at"),
    Index("attempt_name", "name", "at"),
)

client = Table(
    "client",
    metadata,
    _id(),  # the client_id
    Column("name", Text, nullable=False),
    # none, client_secret_basic, client_secret_post, private_key_jwt
    Column("token_endpoint_auth_method", Text, nullable=False),
    Column("secret", LargeBinary, nullable=True),  # SHA-256: it is 256 random bits, not a password
    Column("jwks", JSONB, nullable=True),
    _word("jwks_uri"),
    _words("redirect_uris"),
    _words("grant_types"),  # authorization_code, refresh_token, client_credentials
    _word("scope"),  # the most it may ask for, space-separated
    _word("launch_uri"),
    _word("logo_uri"),
    _word("client_uri"),
    _word("policy_uri"),
    _word("tos_uri"),
    _words("contacts"),
    # Of client_credentials: which file of profiles/access says what it may do.
    _word("role"),
    # Who registered it and is told why it was refused; NULL for the command line.
    _of("account", "owner", nullable=True),
    Column("registration_token", LargeBinary, nullable=True),  # SHA-256, RFC 7592
    _now("created"),
    _time("disabled"),
)

# An authorization request that was pushed (RFC 9126) or that a person is deciding on.
app_request = Table(
    "app_request",
    metadata,
    _hash(),
    _of("client"),
    _of("account", nullable=True),  # who decides
    Column("parameters", JSONB, nullable=False),
    _time("expires", nullable=False),
)

launch = Table(
    "launch",
    metadata,
    _hash(),
    _of("account"),
    _of("client", nullable=True),
    Column("context", JSONB, nullable=False),  # patient, encounter, fhirContext, intent, ...
    _time("expires", nullable=False),
    _time("used"),
)

# What a person (or, for client_credentials, nobody) granted to an app: "My apps" lists them.
app_grant = Table(
    "app_grant",
    metadata,
    _id(),
    _of("client"),
    _of("account"),
    Column("scope", Text, nullable=False),
    Column("context", JSONB, nullable=False, server_default="{}"),  # of the token response
    _now("created"),
    _time("used"),
    _time("revoked"),
    # Of the sign-in in which it was given: online_access ends with it, and it is the id_token's auth_time.
    Column("session", LargeBinary, nullable=True),
    _time("authenticated"),
    Index("app_grant_account", "account"),
)

code = Table(
    "code",
    metadata,
    _hash(),
    _of("app_grant"),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", Text, nullable=False),
    _word("nonce"),
    _time("expires", nullable=False),
    _time("used"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    _hash(),
    _of("app_grant"),
    Column("scope", Text, nullable=False),
    _now("created"),
    _time("expires", nullable=False),
    # Used once: a second use means that somebody stole it, and the whole grant ends.
    _time("used"),
    # online_access: it ends with the session.
    Column("session", LargeBinary, nullable=True),
    Index("refresh_token_app_grant", "app_grant"),
    Index("refresh_token_expires", "expires"),
)

# Ids of assertions that were used, RFC 7523.
assertion = Table(
    "assertion",
    metadata,
    Column("client", Text(collation="C"), primary_key=True),
    Column("jti", Text, primary_key=True),
    _time("expires", nullable=False),
)

# "token <jti>", "grant <id>", "account <id>", "client <id>": access tokens of these end before their time.
revocation = Table(
    "revocation",
    metadata,
    Column("what", Text(collation="C"), primary_key=True),
    # Tokens issued later are good again (an account that was enabled).
    _now("since"),
    _time("expires", nullable=False),
    Index("revocation_expires", "expires"),
)

break_glass = Table(
    "break_glass",
    metadata,
    _id(),
    _of("account"),
    Column("patient", Text(collation="C"), nullable=False),
    Column("reason", Text, nullable=False),
    _now("created"),
    _time("expires", nullable=False),
    Column("closed", Boolean, nullable=False, server_default="false"),
    Index("break_glass_account", "account", "expires"),
)
