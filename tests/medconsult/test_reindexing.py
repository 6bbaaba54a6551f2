"""Indexing anew: after an upgrade, by the command, and in the background of a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from alembic import command
from alembic.config import Config

from fhir_server.codec import body
from fhir_server.search import custom, entry
from fhir_server.search.parse import parse
from fhir_server.storage import reindex
from medconsult import reindexing
from medconsult.app import store_of
from medconsult.migrations import CONFIGURATION, engine, upgrade
from medconsult.settings import Settings
from tests.conftest import drop_database, make_database
from tests.medconsult.test_serve import Serve, serve

__all__ = ["serve"]

PARAMETER = {
    "resourceType": "SearchParameter",
    "id": "shade",
    "url": "http://example.org/SearchParameter/shade",
    "name": "Shade",
    "description": "A shade",
    "status": "active",
    "code": "shade",
    "base": ["Patient"],
    "type": "string",
    "expression": "Patient.extension.where(url='http://example.org/shade').value",
}


@pytest.fixture(autouse=True)
def _nothing_defined_elsewhere() -> Iterator[None]:
    yield
    custom.use(custom.NOTHING)


@pytest.fixture
def settings(empty_database: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var", database_url=empty_database)


@pytest.fixture
def old_database(postgresql: str) -> Iterator[str]:
    """Give the URL of a database of the first schema, with a patient that is in no index."""
    url = make_database(postgresql, "medconsult_old")
    configuration = Config(str(CONFIGURATION))
    with engine(url).connect() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0001")
    yield url
    drop_database(postgresql, "medconsult_old")


def a_patient(id_: str) -> dict[str, Any]:
    shade = {"url": "http://example.org/shade", "valueString": "Sea green"}
    return {"resourceType": "Patient", "id": id_, "birthDate": "1970-01-02", "extension": [shade]}


def insert(url: str, resource: dict[str, Any]) -> None:
    row = (1, "Patient", resource["id"], 1, "2020-01-01", "PUT", json.dumps(resource))
    with closing(psycopg2.connect(url)) as session, session, session.cursor() as cursor:
        cursor.execute(
            "INSERT INTO resource (key, type, id, version, last_updated, method, content, terms,"
            " ref_params, ref_keys) VALUES (%s, %s, %s, %s, %s, %s, %s, '{}', '{}', '{}')",
            row,
        )


def found(settings: Settings, *criteria: tuple[str, str]) -> list[str]:
    store = store_of(settings)
    with closing(store.database):
        rows = store.reading(lambda repository: repository.search(parse("Patient", criteria)))
    return [version.id for version in rows]


def jobs(settings: Settings) -> dict[str, reindex.Job]:
    store = store_of(settings)
    with closing(store.database):
        return store.reading(lambda repository: reindex.jobs(repository.connection))


def test_an_upgrade_from_the_first_schema_indexes_all_anew(
    old_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(old_database, a_patient("1"))
    settings = Settings(data_dir=tmp_path / "var", database_url=old_database)
    upgrade(old_database)
    assert not jobs(settings)["all"].finished
    assert found(settings, ("birthdate", "1970-01-02")) == []
    monkeypatch.setattr(reindex, "SETTLE_S", 0)
    reindexing.run(settings, everything=False)
    assert found(settings, ("birthdate", "1970-01-02")) == ["1"]


def test_an_empty_database_has_nothing_to_index(old_database: str, tmp_path: Path) -> None:
    upgrade(old_database)
    settings = Settings(data_dir=tmp_path / "var", database_url=old_database)
    assert jobs(settings)["all"].finished


def test_another_format_of_the_index_queues_all_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(settings.database_url)
    upgrade(settings.database_url)
    assert jobs(settings)["all"].finished
    monkeypatch.setattr(reindex, "INDEX_FORMAT", entry.INDEX_FORMAT + 1)
    upgrade(settings.database_url)
    queued = jobs(settings)["all"]
    assert not queued.finished
    upgrade(settings.database_url)
    assert jobs(settings)["all"].queued == queued.queued


def test_the_command_indexes_and_prints_how_far_it_is(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(settings.database_url)
    store = store_of(settings)
    with closing(store.database):
        for each in (a_patient("1"), PARAMETER):
            text = json.dumps(each).encode()
            store.writing(
                lambda repository, text=text: repository.update(
                    repository.draft(body(text), id_=json.loads(text)["id"]), None
                )
            )
    monkeypatch.setattr(reindex, "SETTLE_S", 0)
    reindexing.run(settings, everything=False)
    printed = capsys.readouterr().out
    assert "SearchParameter/shade: 100 % of 1 resources" in printed
    assert "The index is complete." in printed
    assert found(settings, ("shade", "sea")) == ["1"]
    reindexing.run(settings, everything=True)
    assert "all: 100 % of 2 resources" in capsys.readouterr().out


def test_a_running_server_indexes_in_the_background_and_all_workers_learn(serve: Serve) -> None:
    server = serve("--open", "--workers", "2")
    base = f"{server.url}/fhir"
    put(base, a_patient("old"))
    put(base, PARAMETER)

    def complete() -> bool:
        answers = [httpx.get(f"{base}/Patient?shade=sea") for _ in range(6)]
        return all(
            answer.status_code == 200 and [modes(answer)] == [["match"]] for answer in answers
        )

    assert server.wait_for(lambda: complete() or None)
    status = httpx.get(f"{base}/SearchParameter/shade/$reindex-status").json()
    assert {"name": "finished", "valueBoolean": True} in status["parameter"][0]["part"]
    httpx.delete(f"{base}/SearchParameter/shade")
    assert server.wait_for(
        lambda: all(httpx.get(f"{base}/Patient?shade=sea").status_code == 400 for _ in range(6))
    )


def put(base: str, resource: dict[str, Any]) -> None:
    answer = httpx.put(f"{base}/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code == 201, answer.text


def modes(answer: httpx.Response) -> list[str]:
    return [each["search"]["mode"] for each in answer.json().get("entry", [])]
