"""How much a search may ask for at once: 400 or 414 with a sentence, at once and never a fault."""

from __future__ import annotations

import pytest

from fhir_server.rest.web import LONGEST_QUERY
from tests.http import Client

FORM = {"content-type": "application/x-www-form-urlencoded"}


def form(name: str, values: int, times: int = 1) -> bytes:
    listed = ",".join(f"x{number}" for number in range(values))
    return "&".join([f"{name}={listed}"] * times).encode()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Patient/_search", form("_tag", 10_000)),
        ("Patient/_search", form("_id", 100, times=100)),
        ("Patient/_search", form("name", 1, times=100)),
        ("_search", form("_tag", 300)),
        ("_search?_type=Patient,Observation", form("_tag", 10_000)),
        ("Patient/1/*/_search", form("_tag", 300)),
    ],
)
def test_as_many_values_as_anybody_needs_are_read(client: Client, path: str, body: bytes) -> None:
    assert client.send("POST", path, body, FORM).status == 200


@pytest.mark.parametrize("preference", ["", "handling=lenient"])
@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("Patient/_search", form("_tag", 10_001), "10000 values"),
        ("Patient/_search", form("_id", 101, times=100), "10000 values"),
        ("Patient/_search", form("name", 1, times=101), "100 parameters"),
        ("Patient/_search", form("name", 1, times=20_001), "cannot be read"),
        ("_search", form("_tag", 10_000), "_type"),
        ("Patient/1/*/_search", form("_tag", 10_000), "fewer types"),
    ],
)
def test_more_is_refused_before_it_is_read(
    client: Client, path: str, body: bytes, said: str, preference: str
) -> None:
    answer = client.send("POST", path, body, {**FORM, "prefer": preference})
    assert answer.status == 400
    assert said in answer.said


def test_a_long_query_has_to_be_posted(client: Client) -> None:
    query = "_id=" + ",".join(["a" * 60] * (LONGEST_QUERY // 60))
    assert len(query) > LONGEST_QUERY
    answer = client.get(f"Patient?{query}")
    assert answer.status == 414
    assert "_search" in answer.said
    assert client.send("POST", "Patient/_search", query.encode(), FORM).status == 200
    assert client.get(f"Patient?{query[:60_000]}").status == 200
