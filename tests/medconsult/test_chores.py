"""What goes on by itself goes on: a chore that fails does so alone, and is tried again."""

from __future__ import annotations

from pathlib import Path

import psycopg2
import pytest

from fhir_server.scheduling import records
from fhir_server.storage.settling import settle
from medconsult.app import store_of
from medconsult.authorization import auth_of
from medconsult.chores import Chore, chores_of
from medconsult.portal import portal_of
from medconsult.settings import Settings
from tests.examples import an_observation


@pytest.mark.parametrize("error", [psycopg2.OperationalError("away"), KeyError("odd")])
def test_a_chore_that_fails_is_tried_again(error: Exception) -> None:
    tried: list[str] = []

    def work() -> None:
        tried.append("once more")
        raise error

    chore = Chore("odd", 0, work)
    chore.look()
    chore.look()
    assert len(tried) == 2


def test_a_chore_is_done_at_the_start_and_then_when_it_is_due() -> None:
    tried: list[str] = []
    chore = Chore("seldom", 3600, lambda: tried.append("done"))
    chore.look()
    chore.look()
    assert tried == ["done"]


def test_new_terms_are_sorted_into_the_index_by_a_chore(
    empty_database: str, tmp_path: Path
) -> None:
    settings = Settings(database_url=empty_database, data_dir=tmp_path)
    store = store_of(settings)
    (terms,) = (
        each
        for each in chores_of(portal_of(settings, auth_of(settings, store)))
        if each.name == "terms"
    )
    store.writing(lambda repository: records.create(repository, an_observation()))
    terms.look()
    with store.database.connection() as connection:
        assert settle(connection) == 0
    store.database.close()
