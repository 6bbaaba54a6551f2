from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url

from fhir_server.context import Store
from fhir_server.database import Database
from medconsult.blobs import blob_store
from medconsult.settings import Settings
from smart_auth import keys
from smart_auth.auth import Auth, Options
from tests.smart_auth.tokens.server import Server, web_of

ISSUER = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def engine(empty_database: str) -> Iterator[Engine]:
    url = make_url(empty_database).set(drivername="postgresql+psycopg2")
    made = create_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def auth(engine: Engine, empty_database: str, key_folder: Path, tmp_path: Path) -> Auth:
    settings = Settings(database_url=empty_database, data_dir=tmp_path)
    store = Store(Database(empty_database), blob_store(settings), f"{ISSUER}/fhir")
    options = Options(dynamic_registration=True)
    return Auth(engine, store, keys.load(key_folder), ISSUER, f"{ISSUER}/fhir", options)


@pytest.fixture
def server(auth: Auth) -> Server:
    made = Server(auth, web_of(auth))
    made.add_account()
    return made


def with_options(server: Server, **options: object) -> Server:
    """Return the same server with other options."""
    changed = replace(server.auth, options=replace(server.auth.options, **options))
    return replace(server, auth=changed, web=web_of(changed))
