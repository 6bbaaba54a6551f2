"""What people read: in one catalogue, whole in every language, and in the language of who reads it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

from smart_auth import wording
from smart_auth.wording import asked_for, dated, say, say_many, speaking

ROOT = Path(__file__).parents[2]
OTHERS = [each for each in wording.LANGUAGES if each != wording.ENGLISH]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "say": None,
    "later": None,
    "say_many": (1, 2),
    "ngettext": (1, 2),
}
VALUES = re.compile(r"%\(\w+\)s|%%|\{\w+\}|</?\w+>")


def read() -> set[str]:
    """Return all that is marked in programs and templates; of plurals the singular."""
    with (ROOT / "babel.ini").open() as file:
        methods, options = parse_mapping_cfg(file)
    found: set[str] = set()
    for folder in ("ui", "smart_auth"):
        for _, _, words, _, _ in extract_from_dir(
            str(ROOT / folder), methods, options, keywords=KEYWORDS
        ):
            found.add(words[0] if isinstance(words, tuple) else words)
    return found


def messages(tag: str) -> list[Message]:
    with (ROOT / "smart_auth" / "locale" / f"{tag}.po").open("rb") as file:
        return [each for each in read_po(file, tag) if each.id]


@pytest.mark.parametrize("tag", OTHERS)
def test_a_catalogue_holds_all_that_people_read_and_nothing_else(tag: str) -> None:
    known = {each.id if isinstance(each.id, str) else each.id[0] for each in messages(tag)}
    marked = read()
    assert sorted(marked - known) == [], "run `make words` and translate what it added"
    assert sorted(known - marked) == [], "run `make words`"


@pytest.mark.parametrize("tag", OTHERS)
def test_everything_is_translated_with_the_same_values_in_it(tag: str) -> None:
    for each in messages(tag):
        said = [each.string] if isinstance(each.string, str) else list(each.string)
        assert all(said), each.id
        many = each.id if isinstance(each.id, str) else each.id[-1]
        assert sorted(VALUES.findall(said[-1])) == sorted(VALUES.findall(many)), each.id
        assert not each.fuzzy, each.id


@pytest.mark.parametrize(
    ("header", "cookie", "spoken"),
    [
        ("", "", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "", "de"),
        ("en;q=0.5, de", "", "de"),
        ("en, de;q=0.9", "", "en"),
        ("fr, tr;q=0.9", "", "en"),
        ("de;q=0", "", "en"),
        ("de;q=much, *", "", "en"),
        (",;q=,\x00", "", "en"),
        ("en", "de", "de"),
        ("de", "xx", "de"),
    ],
)
def test_the_language_is_the_readers(header: str, cookie: str, spoken: str) -> None:
    headers = [(b"accept-language", header.encode())]
    headers += [(b"cookie", f"language={cookie}".encode())] if cookie else []
    assert asked_for(HTTPConnection({"type": "http", "headers": headers})) == spoken


def test_what_is_said_in_another_language_ends_with_its_block() -> None:
    with speaking("de"):
        assert say("Pay %(fee)s", fee="40 EUR") == "40 EUR zahlen"
        assert say_many("%(number)s second", "%(number)s seconds", 2) == "2 Sekunden"
        assert say("") == "", "not the catalogue's own header"
        assert say("100 % of what is in no catalogue") == "100 % of what is in no catalogue"
        with speaking("xx"):
            assert wording.language() == "de"
    assert say("Pay %(fee)s", fee="40 EUR") == "Pay 40 EUR"


def test_one_instant_is_written_in_each_of_its_zones() -> None:
    time = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    pattern = "EEE d MMM, HH:mm"
    assert dated(time, pattern) == "Tue 24 Nov, 08:30"
    assert dated(time.astimezone(ZoneInfo("Europe/Berlin")), pattern) == "Tue 24 Nov, 09:30"
    with speaking("de"):
        assert dated(time, "EEEE, d. MMMM") == "Dienstag, 24. November"
