"""Every example of docs/search.md is run: it finds something, or is refused where the page says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from fhir_server.context import Store
from fhir_server.rest.call import Limits
from tests.fhir_server.conftest import Connect, client, connect, store
from tests.http import Answer, Client

__all__ = ("client", "connect", "store")  # fixtures

PAGE = Path(__file__).resolve().parents[2] / "docs" / "search.md"
RECORD = Path(__file__).with_name("search_record.json")
TEXT = PAGE.read_text()
_ROW = re.compile(r"^\| (?P<what>.+?) \| `(?P<method>GET|POST) (?P<asked>.+?)` \|", re.MULTILINE)
_CURL = re.compile(r'^    curl -s "\$BASE/([^"]+)"$', re.MULTILINE)
_JSON = re.compile(r"^```json\n(.+?)^```$", re.MULTILINE | re.DOTALL)
FORM = "application/x-www-form-urlencoded"
REFUSED = "## Refused"


def rows(text: str) -> Iterator[tuple[str, str]]:
    for found in _ROW.finditer(text):
        # A table's cell cannot hold a bare bar.
        yield found["method"], found["asked"].replace("\\|", "|")


def parts() -> tuple[str, str]:
    """Return what is answered and what is refused."""
    before, _, rest = TEXT.partition(f"\n{REFUSED}\n")
    refused, separator, after = rest.partition("\n## ")
    return before + separator + after, refused


ANSWERED, NOT_ANSWERED = (list(rows(part)) for part in parts())


@pytest.fixture
def record(client: Client) -> Client:
    return recorded(client)


def recorded(client: Client) -> Client:
    answer = client.post("", RECORD.read_bytes())
    assert answer.status == 200, answer.body
    return client


def ask(client: Client, method: str, asked: str) -> Answer:
    if method == "POST":
        path, _, form = asked.partition(" ")
        return client.send("POST", path, form.encode(), {"content-type": FORM})
    return client.get(quote(asked, safe="?=&:,|/$*+-._~%"))


def matches(answer: Answer) -> list[str]:
    entries = answer.json.get("entry", [])
    return [each["resource"]["id"] for each in entries if each["search"]["mode"] == "match"]


def test_there_is_an_example_for_each_row() -> None:
    tables = [line for line in TEXT.splitlines() if line.startswith("| ")]
    headings = sum(line.startswith("| what | example ") for line in tables)
    assert len(tables) - headings == len(ANSWERED) + len(NOT_ANSWERED)
    assert len(ANSWERED) > 130
    assert len(NOT_ANSWERED) > 20


def test_no_example_stands_twice() -> None:
    listed = [*ANSWERED, *NOT_ANSWERED]
    assert [each for each in listed if listed.count(each) > 1] == []


def test_every_example_finds_something(record: Client) -> None:
    wrong = []
    for method, asked in ANSWERED:
        answer = ask(record, method, asked)
        found = answer.json if answer.status == 200 else {}
        modes = {entry["search"]["mode"] for entry in found.get("entry", [])}
        if "match" not in modes and not ("count" in asked and found.get("total")):
            wrong.append(f"{method} {asked}: {answer.status} {answer.body[:200]!r}")
    assert wrong == []


def test_every_example_of_an_include_includes_something(record: Client) -> None:
    wrong = []
    for method, asked in ANSWERED:
        if "include" in asked:
            modes = [each["search"]["mode"] for each in ask(record, method, asked).json["entry"]]
            if "include" not in modes:
                wrong.append(asked)
    assert wrong == []


def test_a_condition_of_an_example_leaves_something_out(record: Client) -> None:
    """One that finds all of its type would prove little."""
    assert matches(record.get("Patient?_count=50")) == ["zoe", "charles", "ada"]
    assert matches(record.get("Patient?family=love")) == ["ada"]
    assert matches(record.get("Observation?value-quantity=1.65|http://unitsofmeasure.org|m")) == [
        "height"
    ]
    assert matches(record.get("Observation?date=eb2024")) == ["short"]
    assert matches(record.get("ServiceRequest?occurrence=2024-07-01")) == []
    assert matches(record.get("Encounter?date=eb2030")) == []
    assert matches(record.get("Observation?date=2024-05-01T10:00:00.000Z")) == []
    assert matches(record.get("Observation?date=2024-05-01T10:00:00Z")) == ["pressure"]
    assert matches(record.get("Patient?telecom=phone|%2B43%201%205550")) == []


@pytest.mark.parametrize(("method", "asked"), NOT_ANSWERED)
def test_what_the_page_says_is_refused_is_refused(record: Client, method: str, asked: str) -> None:
    answer = ask(record, method, asked)
    assert answer.status == 400
    assert answer.said


def test_the_commands_of_the_page_are_answered(store: Store, connect: Connect) -> None:
    client = recorded(connect(store, Limits(explain=True)))
    addresses = _CURL.findall(TEXT)
    assert len(addresses) >= 4
    assert [each for each in addresses if client.get(each).status != 200] == []


def test_explaining_is_for_administrators(record: Client) -> None:
    assert record.get("Patient?name=love&_explain=true").status == 403


def test_lenient_handling_says_what_it_ignored(record: Client) -> None:
    answer = record.get("Patient?famly=x&family=love", prefer="handling=lenient")
    *found, said = answer.json["entry"]
    assert [each["resource"]["id"] for each in found] == ["ada"]
    assert said["search"]["mode"] == "outcome"
    assert "famly" in said["resource"]["issue"][0]["diagnostics"]
    links = {link["relation"]: link["url"] for link in answer.json["link"]}
    assert links["self"].endswith("Patient?family=love")


def test_the_parameter_of_one_s_own_is_searched_by(record: Client) -> None:
    [written] = _JSON.findall(TEXT)
    assert record.get("Patient?eye=blue").status == 400
    made = record.post("SearchParameter", json.loads(written))
    assert made.status == 201, made.body
    eye = {"url": "http://example.org/eye", "valueCode": "blue"}
    record.stored({"resourceType": "Patient", "id": "eyed", "extension": [eye]})
    answer = record.get("Patient?eye=blue")
    assert matches(answer) == ["eyed"]
    assert answer.json["entry"][-1]["resource"]["issue"][0]["code"] == "incomplete"
    status = record.get(f"SearchParameter/{made.id}/$reindex-status")
    assert status.json["resourceType"] == "Parameters"
