"""Page links of histories and $everything are signed like those of searches, each for its own list."""

from __future__ import annotations

import pytest

from fhir_server.context import Store
from fhir_server.database import Database
from tests.fhir_server.conftest import Connect
from tests.http import Answer, Client

PATHS = [
    "_history",
    "Patient/_history",
    "Patient/p/_history",
    "Patient/p/$everything",
]


def following(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    links = {each["relation"]: each["url"] for each in answer.json["link"]}
    return links["next"].partition("/fhir/")[2]


def names(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 200, answer.body
    listed = [each["resource"] for each in answer.json["entry"]]
    return [(each["id"], each["meta"]["versionId"]) for each in listed]


@pytest.fixture(autouse=True)
def _record(client: Client) -> None:
    for gender in ("female", "male", "other"):
        client.stored({"resourceType": "Patient", "id": "p", "gender": gender})
    for number in range(3):
        client.stored(
            {
                "resourceType": "Basic",
                "id": f"b{number}",
                "code": {"text": "x"},
                "subject": {"reference": "Patient/p"},
            }
        )


@pytest.mark.parametrize("path", PATHS)
def test_a_link_outlives_a_restart(
    client: Client, store: Store, connect: Connect, path: str
) -> None:
    link = following(client.get(f"{path}?_count=1"))
    expected = names(client.get(link))
    again = connect(Store(Database(store.database.url, size=2), store.blobs, store.base))
    assert names(again.get(link)) == expected
    assert expected != names(client.get(f"{path}?_count=1"))


@pytest.mark.parametrize("path", PATHS)
def test_a_link_that_is_not_ours_is_refused(client: Client, path: str) -> None:
    token = following(client.get(f"{path}?_count=1")).partition("_page=")[2]
    other = PATHS[PATHS.index(path) - 1]
    elsewhere = following(client.get(f"{other}?_count=1")).partition("_page=")[2]
    for wrong in (token[:-1], "A" + token[1:], elsewhere, "x", "0.1", "", "%00", "%C3%A9"):
        answer = client.get(f"{path}?_count=1&_page={wrong}")
        assert answer.status == 400, wrong
    assert client.get(f"{path}?_count=1&_page={token}").status == 200
