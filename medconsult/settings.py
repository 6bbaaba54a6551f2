"""Places, secrets and limits, read once at the start from MEDCONSULT_* variables and `.env`.

docs/settings.md lists the same fields; a test compares.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "MEDCONSULT_"
ENV_FILE = ".env"
SMTP_URL = re.compile(r"|smtps?://([^\s/@]+@)?(\[[0-9a-fA-F:.]+\]|[^\s/@:\[\]]+)(:\d{1,5})?/?")
SENDER = re.compile(r"[^\r\n<>]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+")
# Read by the test suite only; they may stand in the environment of a server that a test starts.
NOT_SETTINGS = frozenset(
    {
        "MEDCONSULT_REQUIRE_ALL",
        "MEDCONSULT_SCREENS",
        "MEDCONSULT_TEST_DATABASE_URL",
    }
)


class SettingsError(Exception):
    """One line for each variable that is unknown or holds a wrong value."""


class Settings(BaseSettings):
    """All settings of a running MedConsult."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    data_dir: Path = Field(
        Path("var"), description="folder of the embedded database, blobs and lock file"
    )
    database_url: str = Field(
        "",
        repr=False,
        pattern=r"^(|postgres(ql)?://.+)$",
        description="PostgreSQL 15 or later, as postgresql://user:password@host/name; empty: embedded",
    )
    host: str = Field(
        "127.0.0.1", min_length=1, description="address to listen on; with --open loopback only"
    )
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0: any free one")
    workers: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1),
        ge=1,
        le=64,
        description="worker processes; default: one for each core, at most 4",
    )
    open: bool = Field(
        False, description="sandbox: everyone who reaches the server may do everything, no tokens"
    )
    base_url: str = Field(
        "",
        pattern=r"^(|https?://[^\s?#]+)$",
        description="URL that clients use, without /fhir; empty: http://host:port",
    )
    max_body_bytes: int = Field(
        64 * 1024 * 1024, ge=1024, description="largest request body, after decompression"
    )
    referential_integrity: Literal["check", "off"] = Field(
        "check", description="whether references to resources of this server have to exist"
    )
    blob_store: Literal["files", "s3"] = Field(
        "files", description="where large binaries go: data_dir/blobs or an S3-compatible store"
    )
    s3_endpoint: str = Field("", description="host:port of the S3 store")
    s3_bucket: str = Field("", description="bucket of the S3 store")
    s3_access_key: str = Field("", repr=False, description="access key of the S3 store")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="secret key of the S3 store")
    s3_region: str = Field("us-east-1", description="region of the S3 store")
    s3_secure: bool = Field(True, description="whether the S3 store is spoken to over TLS")
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="mail server, as smtp://user:password@host:port or smtps://...; empty: no mail is sent",
    )
    mail_from: str = Field(
        "MedConsult <noreply@localhost>", description="sender of the mails, with an address"
    )
    default_page_size: int = Field(
        50, ge=1, le=1000, description="entries on a page when a client does not say `_count`"
    )
    max_page_size: int = Field(1000, ge=1, le=10_000, description="largest `_count` granted")
    max_includes: int = Field(
        1000, ge=0, le=100_000, description="resources that includes add to a page at most"
    )
    search_cost_limit: float = Field(
        2_000_000, gt=0, description="planner units that one search may be expected to cost"
    )
    statement_timeout_ms: int = Field(
        30_000, ge=100, description="milliseconds after which PostgreSQL gives a statement up"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least severe log line written"
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="log lines for machines (json) or for people (console)"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="origins that browsers may call from, comma-separated; `*`: any; "
        "empty: any, but none with --open",
    )
    keys_dir: str = Field(
        "",
        description="folder of the keys that sign tokens and encrypt secrets; empty: data_dir/keys",
    )
    registration: bool = Field(True, description="whether patients may make accounts by themselves")
    dynamic_registration: bool = Field(
        False, description="whether apps may register without anybody's leave, RFC 7591"
    )
    access_token_seconds: int = Field(
        300, ge=30, le=86_400, description="how long an access token is good"
    )
    refresh_token_days: int = Field(
        90, ge=1, le=3650, description="how long a refresh token is good; each use makes a new one"
    )
    session_hours: int = Field(12, ge=1, le=720, description="how long somebody stays signed in")
    stripe_secret_key: SecretStr = Field(
        SecretStr(""), description="secret key of Stripe; empty: the demo checkout takes no money"
    )
    stripe_webhook_secret: SecretStr = Field(
        SecretStr(""), description="signing secret of Stripe's webhook endpoint"
    )
    stripe_api_base: str = Field("", description="address of Stripe's API; empty: Stripe's own")
    clamd: str = Field(
        "",
        pattern=r"^(|[^\s:]+:\d{1,5})$",
        description="host:port of a ClamAV daemon that looks at uploads; empty: none does",
    )
    time_zone: str = Field(
        "",
        description="IANA time zone of people who have not chosen one, such as Europe/Berlin; "
        "empty: that of the first schedule",
    )
    demo: bool = Field(True, description="load demo records when the database is new and embedded")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(origin.strip() for origin in value.split(",") if origin.strip())

    @field_validator("base_url")
    @classmethod
    def _without_last_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        if not SMTP_URL.fullmatch(value.get_secret_value()):
            raise ValueError("write it as smtp://user:password@host:port or smtps://...")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError("write an IANA name such as Europe/Berlin")
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if not SENDER.fullmatch(value):
            raise ValueError("write it as name@example.org or Name <name@example.org>")
        return value

    @model_validator(mode="after")
    def _s3_is_complete(self) -> Self:
        wanted = ("s3_endpoint", "s3_bucket", "s3_access_key", "s3_secret_key")
        missing = [variable(name) for name in wanted if not plain(getattr(self, name))]
        if self.blob_store == "s3" and missing:
            raise ValueError(f"MEDCONSULT_BLOB_STORE=s3 needs {', '.join(missing)} too")
        return self

    @model_validator(mode="after")
    def _stripe_is_complete(self) -> Self:
        if plain(self.stripe_secret_key) and not plain(self.stripe_webhook_secret):
            raise ValueError(
                "MEDCONSULT_STRIPE_SECRET_KEY needs MEDCONSULT_STRIPE_WEBHOOK_SECRET too"
            )
        return self

    @property
    def shared_with(self) -> tuple[str, ...]:
        """The origins that browsers may call from; where a token is asked for, that guards enough."""
        return self.cors_origins or (() if self.open else ("*",))

    @property
    def keys_folder(self) -> Path:
        return Path(self.keys_dir) if self.keys_dir else self.data_dir / "keys"

    @property
    def public_url(self) -> str:
        """The URL that clients use, without /fhir."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"


def load_settings(**chosen: Any) -> Settings:
    """Read the environment and `.env`; what is chosen on the command line wins."""
    refuse_unknown_names()
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("\n".join(map(_sentence, error.errors()))) from None


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which a worker reads the very same settings."""
    return {variable(name): plain(getattr(settings, name)) for name in Settings.model_fields}


def variable(field: str) -> str:
    return PREFIX + field.upper()


def plain(value: Any) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(value)
        case bool():
            return json.dumps(value)
    return str(value)


def refuse_unknown_names() -> None:
    """A misspelt name would otherwise be a setting that silently does nothing."""
    known = {variable(name) for name in Settings.model_fields} | NOT_SETTINGS
    given = {name.upper() for name in (*os.environ, *dotenv_values(ENV_FILE))}
    unknown = sorted(name for name in given - known if name.startswith(PREFIX))
    if unknown:
        raise SettingsError(
            "\n".join(f"{name}: no such setting, see docs/settings.md" for name in unknown)
        )


def _sentence(error: Any) -> str:
    message = error["msg"].removeprefix("Value error, ")
    where = ", ".join(variable(str(part)) for part in error["loc"][:1])
    return f"{where}: {message}" if where else message
