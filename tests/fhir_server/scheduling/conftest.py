from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from fhir_server.access.principal import OPEN
from fhir_server.context import Store
from tests.fhir_server.access import practice
from tests.fhir_server.access.practice import Door
from tests.fhir_server.scheduling import offers


@pytest.fixture
def door(store: Store) -> Iterator[Door]:
    """Give the practice of the access tests, where Dr. Osei can be booked after a yes, for 40 EUR."""
    with asyncio.Runner() as runner:
        made = practice.door(store, runner)
        practice.fill(made)
        made.as_(OPEN).stored(offers.fee())
        offers.open_(store, offers.schedule())
        yield made
        store.database.close()
