from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from fhir_server.context import Store
from tests.fhir_server.access import practice
from tests.fhir_server.access.practice import Door


@pytest.fixture
def door(store: Store) -> Iterator[Door]:
    """Give the REST door of a practice, before which the test says who knocks."""
    with asyncio.Runner() as runner:
        made = practice.door(store, runner)
        practice.fill(made)
        yield made
        store.database.close()
