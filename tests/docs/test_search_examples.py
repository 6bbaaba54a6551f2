"""Every example of docs/search.md is run: it finds something, or is refused where the page says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.fhir_server.conftest import client, connect, store
from tests.http import Answer, Client

__all__ = ("client", "connect", "store")  # fixtures

PAGE = Path(__file__).resolve().parents[2] / "docs" / "search.md"
RECORD = Path(__file__).with_name("search_record.json")
_ROW = re.compile(r"^\| (?P<what>.+?) \| `(?P<method>GET|POST) (?P<asked>.+?)` \|", re.MULTILINE)
FORM = "application/x-www-form-urlencoded"
REFUSED = "## Refused"


def rows(text: str) -> Iterator[tuple[str, str]]:
    for found in _ROW.finditer(text):
        # A table's cell cannot hold a bare bar.
        yield found["method"], found["asked"].replace("\\|", "|")


def parts() -> tuple[str, str]:
    """Return what is answered and what is refused."""
    before, _, rest = PAGE.read_text().partition(REFUSED)
    refused, separator, after = rest.partition("\n## ")
    return before + separator + after, refused


ANSWERED, NOT_ANSWERED = (list(rows(part)) for part in parts())


@pytest.fixture
def record(client: Client) -> Client:
    answer = client.post("", RECORD.read_bytes())
    assert answer.status == 200, answer.body
    return client


def ask(client: Client, method: str, asked: str) -> Answer:
    if method == "POST":
        path, _, form = asked.partition(" ")
        return client.send("POST", path, form.encode(), {"content-type": FORM})
    return client.get(quote(asked, safe="?=&:,|/$*+-._~"))


def test_there_is_an_example_for_each_row() -> None:
    text = PAGE.read_text()
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    headings = sum(line.startswith("| what | example ") for line in tables)
    assert len(tables) - headings == len(ANSWERED) + len(NOT_ANSWERED)
    assert len(ANSWERED) > 60


def test_every_example_finds_something(record: Client) -> None:
    wrong = []
    for method, asked in ANSWERED:
        answer = ask(record, method, asked)
        found = answer.json if answer.status == 200 else {}
        modes = {entry["search"]["mode"] for entry in found.get("entry", [])}
        if "match" not in modes and not ("count" in asked and found.get("total")):
            wrong.append(f"{method} {asked}: {answer.status} {answer.body[:200]!r}")
    assert wrong == []


@pytest.mark.parametrize(("method", "asked"), NOT_ANSWERED)
def test_what_the_page_says_is_refused_is_refused(record: Client, method: str, asked: str) -> None:
    answer = ask(record, method, asked)
    assert answer.status == 400
    assert answer.said
