"""New terms are sorted into the index soon, so that searches read no list of them."""

from __future__ import annotations

from fhir_server.context import Store
from fhir_server.scheduling import records
from fhir_server.storage.settling import settle
from tests.examples import an_observation


def test_what_was_written_is_in_the_index_afterwards(store: Store) -> None:
    for _ in range(20):
        store.writing(lambda repository: records.create(repository, an_observation()))
    with store.database.connection() as connection:
        assert settle(connection) > 0
        assert settle(connection) == 0
    found = store.reading(lambda r: records.find(r, "Observation", ("status", "final")))
    assert len(found) == 20
