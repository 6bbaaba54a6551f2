"""A search parameter of patients' eyes that is defined at run time, and what is found by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fhir_server.context import Store
from fhir_server.search import custom
from fhir_server.storage import reindex
from medconsult import reindexing
from tests.http import Client

EYE = "http://example.org/eye"
EXPRESSION = f"Patient.extension.where(url='{EYE}').value"


@pytest.fixture(autouse=True)
def a_new_database(store: Store) -> Iterator[None]:
    """As `medconsult serve` finds it, and nothing left of it for the next test's process."""
    with store.database.connection() as connection:
        reindex.note_format(connection)
    yield
    custom.use(custom.NOTHING)


def a_parameter(code: str = "eye", **stated: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "id": code,
        "url": f"http://example.org/SearchParameter/{code}",
        "name": "Eye",
        "description": "Colour of the eyes",
        "status": "active",
        "code": code,
        "base": ["Patient"],
        "type": "token",
        "expression": EXPRESSION,
        **stated,
    }


def a_patient(id_: str, colour: str, **stated: Any) -> dict[str, Any]:
    extension = {"url": EYE, "valueCode": colour}
    return {"resourceType": "Patient", "id": id_, "extension": [extension], **stated}


def found(client: Client, query: str) -> list[str]:
    answer = client.get(query)
    assert answer.status == 200, answer.body
    entries = answer.json.get("entry", [])
    return sorted(e["resource"]["id"] for e in entries if e["search"]["mode"] == "match")


def warned(client: Client, query: str) -> list[str]:
    entries = client.get(query).json.get("entry", [])
    outcomes = [e["resource"] for e in entries if e["search"]["mode"] == "outcome"]
    issues = [issue for outcome in outcomes for issue in outcome["issue"]]
    assert all(issue["code"] == "incomplete" for issue in issues)
    assert all(issue["severity"] == "warning" for issue in issues)
    return [issue["diagnostics"] for issue in issues]


def index(store: Store) -> None:
    assert reindexing.work(store, settle=0, pause=0)
    store.watch.expire()
