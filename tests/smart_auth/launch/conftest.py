from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from fhir_server import codec
from medconsult.app import create_app, store_of
from medconsult.migrations import engine as engine_of
from medconsult.settings import Settings
from smart_auth import accounts, clients
from tests.fhir_server.access.practice import records
from tests.smart_auth.launch.visit import CALLBACK, PASSWORD, ROOT, App, Browser

PEOPLE = (
    ("ada@test.example", "patient", "Patient/ada", "Ada"),
    ("osei@test.example", "practitioner", "Practitioner/osei", "Dr. Osei"),
    ("lind@test.example", "practitioner", "Practitioner/lind", "Dr. Lind"),
    ("mia@test.example", "related-person", "RelatedPerson/mia", "Mia"),
)


@pytest.fixture
def engine(empty_database: str) -> Engine:
    return engine_of(empty_database)


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def server(empty_database: str, engine: Engine, tmp_path: Path, keys_dir: Path) -> Iterator[Any]:
    """Give a whole server over a practice with accounts."""
    settings = Settings(
        database_url=empty_database,
        data_dir=tmp_path,
        keys_dir=str(keys_dir),
        base_url=ROOT,
        demo=True,
    )
    store = store_of(settings, 1)
    for resource in records():
        body = codec.made(resource)
        store.writing(
            lambda repository, body=body: repository.update(
                repository.draft(body, id_=body.resource["id"]), None
            )
        )
    store.database.close()
    with engine.begin() as connection:
        for email, role, user, name in PEOPLE:
            accounts.create(connection, email, role, user, name, password=PASSWORD, verified=True)
    app = create_app(settings)
    yield app
    # It listens for revocations for as long as it is told to.
    app.app.fhir.authenticate.revocations.stop()


@pytest.fixture
def browser(server: Any) -> Iterator[Browser]:
    with asyncio.Runner() as runner:
        yield Browser(server, runner)


def registered(engine: Engine, **metadata: Any) -> tuple[str, str]:
    stated = {"client_name": "Heart Chart", "redirect_uris": [CALLBACK], **metadata}
    with engine.begin() as connection:
        client, secret = clients.register(connection, stated)
    return client.id, secret or ""


@pytest.fixture
def app(browser: Browser, engine: Engine) -> App:
    """Give a confidential app."""
    return App(browser, *registered(engine, launch_uri="https://app.example/launch"))


@pytest.fixture
def public(browser: Browser, engine: Engine) -> App:
    return App(browser, *registered(engine, token_endpoint_auth_method="none"))
