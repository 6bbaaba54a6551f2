from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fhir_server.channels import mail
from fhir_server.channels.mail import Mail
from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.storage.blobs import FileBlobs
from medconsult.migrations import engine as engine_of
from smart_auth import accounts, keys
from smart_auth.accounts import Account
from smart_auth.auth import Auth, Options
from tests.smart_auth.accounts.browser import Browser

ISSUER = "http://localhost:8000"
PASSWORD = "violet anchor teapot"
EMAIL = "ada@example.org"
Mails = Callable[[], list[Mail]]


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def engine(empty_database: str) -> Engine:
    return engine_of(empty_database)


@pytest.fixture
def auth(engine: Engine, empty_database: str, key_folder: Path, tmp_path: Path) -> Iterator[Auth]:
    with closing(Database(empty_database)) as database:
        store = Store(database, FileBlobs(tmp_path / "blobs"), f"{ISSUER}/fhir")
        options = Options(demo=True)
        yield Auth(engine, store, keys.load(key_folder), ISSUER, f"{ISSUER}/fhir", options)


@pytest.fixture
def secure(auth: Auth) -> Auth:
    """Give the same server behind https."""
    return replace(auth, issuer="https://records.example", fhir="https://records.example/fhir")


@pytest.fixture
def browser(auth: Auth) -> Browser:
    return Browser(auth)


@pytest.fixture
def ada(engine: Engine) -> Account:
    """Give an account that may sign in."""
    with engine.begin() as connection:
        return accounts.create(
            connection, EMAIL, "patient", "", "Ada Lovelace", password=PASSWORD, verified=True
        )


@pytest.fixture
def mails(engine: Engine) -> Mails:
    """Give what returns the queued mails, newest first."""

    def read() -> list[Mail]:
        with engine.connect() as connection:
            return mail.newest(connection, 100)

    return read
