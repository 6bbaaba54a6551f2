"""The REST door over a real PostgreSQL, in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.rest import app
from fhir_server.rest.call import Limits
from fhir_server.storage.blobs import FileBlobs
from tests.http import Client

BASE = "http://localhost/fhir"
Connect = Callable[..., Client]


@pytest.fixture
def store(empty_database: str, tmp_path: Path) -> Iterator[Store]:
    database = Database(empty_database, size=8)
    yield Store(database, FileBlobs(tmp_path / "blobs"), BASE)
    database.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Return what makes a client of a store; its loop ends after the store's connections."""
    with contextlib.ExitStack() as opened:

        def client_of(store: Store, limits: Limits | None = None) -> Client:
            runner = opened.enter_context(asyncio.Runner())
            opened.callback(store.database.close)
            return Client(app.create(store, limits), runner)

        yield client_of


@pytest.fixture
def client(store: Store, connect: Connect) -> Client:
    return connect(store)
