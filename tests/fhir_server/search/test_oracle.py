"""SQL, the match in memory and the oracle of tests/oracle find the same resources.

https://hl7.org/fhir/R4/search.html. The oracle shares no code with the server's search.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from fhir_server import codec, references
from fhir_server.context import Store
from fhir_server.database import Connection, Database
from fhir_server.definitions import code_systems, compartments, value_sets
from fhir_server.errors import Invalid, InvalidParameter
from fhir_server.repository import Repository
from fhir_server.search.entry import Entry, entry
from fhir_server.search.match import match
from fhir_server.search.parse import parse
from fhir_server.search.term import compartment_term
from fhir_server.storage import searches
from fhir_server.storage.blobs import FileBlobs
from medconsult.migrations import upgrade
from tests.conftest import drop_database, make_database
from tests.oracle import corpus, edges, order
from tests.oracle.evaluate import found, in_compartment
from tests.oracle.generate import Search, of_contained, orders
from tests.oracle.generate import searches as planned
from tests.oracle.world import World, within, world

BASE = "http://localhost/fhir"
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
SEED = 4_0_1
DATABASE = "medconsult_test_oracle"
ALL = 100_000

# Kinds of search that the server refuses today, or answers otherwise; whoever adds one takes it out.
NOT_YET: set[str] = set()

# Refused for good, as they ask what is known beforehand.
NEVER = {"_id:missing", "_lastUpdated:missing", "meaningless"}

# Not in the order that numbers have.
UNORDERED = {
    "combo-value-quantity": "an open end counts as 1e99, and an example says -1e245",
    "value-quantity": "as above",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not corpus.is_there(), reason=corpus.ABSENT),
]


@dataclass(slots=True)
class Tally:
    """What became of the searches."""

    compared: Counter[str] = field(default_factory=Counter)
    matched: Counter[str] = field(default_factory=Counter)
    """Of those the ones that find something."""
    in_memory: int = 0
    refused: list[str] = field(default_factory=list)
    """Of what has to be answered."""
    differences: list[str] = field(default_factory=list)
    late: Counter[str] = field(default_factory=Counter)
    """Of the kinds that are not there yet: how many are refused or answered wrong."""


@dataclass(frozen=True, slots=True)
class Loaded:
    database: Database
    known: World
    entries: dict[str, Entry]


@pytest.fixture(scope="module")
def loaded(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    url = make_database(postgresql, DATABASE)
    upgrade(url)
    with closing(Database(url, size=2)) as database:
        store = Store(database, FileBlobs(tmp_path_factory.mktemp("blobs")), BASE, integrity=False)
        stored = store.writing(write)
        known = world((codec.decode_again(text) for text in stored), BASE)
        known.now = NOW
        known.value_sets = enumerated()
        known.parents = {system: code_systems.parents(system) for system in code_systems.nested()}
        entries = {
            name: entry(resource, references.local(text, BASE), BASE)
            for (name, resource), text in zip(known.resources.items(), stored, strict=True)
        }
        with database.connection() as connection:
            connection.query("ANALYZE")
        yield Loaded(database, known, entries)
    drop_database(postgresql, DATABASE)


def write(repository: Repository) -> list[bytes]:
    """Write the corpus, but what breaks R4, and return the texts that were stored."""
    drafts = {}
    for text in [*edges.resources(), *corpus.examples(), *corpus.synthea()]:
        body = codec.body(text)
        try:
            draft = repository.draft(body, id_=body.resource["id"])
        except Invalid:
            assert not body.resource["id"].startswith("edge-"), body.resource
            continue
        drafts[f"{draft.type}/{draft.id}"] = draft
    written = repository.write_all(list(drafts.values()), {})
    return [version.content.encode() for version in written if version.content]


def enumerated() -> dict[str, set[tuple[str, str]]]:
    """Return the codes of the value sets that R4 enumerates."""
    return {
        url: {(system, code) for system, codes in listed.items() for code in codes}
        for url in value_sets.urls()
        if (listed := value_sets.codes(url))
    }


@pytest.fixture(scope="module")
def tally(loaded: Loaded) -> Tally:
    made = Tally()
    with loaded.database.connection() as connection:
        for search in planned(loaded.known, SEED):
            compare(made, loaded, connection, search)
    print(table(made))  # noqa: T201
    return made


def compare(tally: Tally, loaded: Loaded, connection: Connection, search: Search) -> None:
    try:
        query = parse(search.type, search.pairs, base_url=BASE, now=NOW)
    except InvalidParameter as error:
        tally.late.update(late(search))
        if not late(search):
            tally.refused.append(f"{search}: {error}")
        return
    expected = found(loaded.known, search.type, search.pairs)
    versions = searches.first(connection, query, ALL)
    answers = {"SQL": {f"{each.type}/{each.id}" for each in versions}}
    if not {"chain", "_has", "_list"}.intersection(search.kinds):
        tally.in_memory += 1
        names = loaded.known.by_type.get(search.type, ())
        answers["match"] = {name for name in names if match(query, loaded.entries[name])}
    wrong = {way: answer for way, answer in answers.items() if answer != expected}
    if late(search):
        tally.late.update(late(search) if wrong else ())
        return
    tally.compared.update(search.kinds)
    tally.matched.update(search.kinds if expected else ())
    tally.differences += [told(search, way, answer, expected) for way, answer in wrong.items()]


def late(search: Search) -> set[str]:
    """Return the search's kinds that need not be answered."""
    return {kind.split()[0] for kind in search.kinds} & (NOT_YET | NEVER)


def told(search: Search, way: str, answer: set[str], expected: set[str]) -> str:
    pairs = "&".join(f"{name}={text}" for name, text in search.pairs)
    too_many, too_few = (sorted(each)[:3] for each in (answer - expected, expected - answer))
    return f"{search.type}?{pairs}: {way} finds also {too_many}, and not {too_few}"


def table(tally: Tally) -> str:
    """Return the table of docs/search.md: how many searches of each kind were compared."""
    rows = ["| kind | compared | with matches |", "|---|---|---|"]
    for kind, number in sorted(tally.compared.items()):
        rows.append(f"| {kind} | {number:,} | {tally.matched[kind]:,} |")
    return "\n".join(rows)


def test_at_least_three_thousand_searches_are_compared(tally: Tally) -> None:
    assert tally.compared.total() >= 3_000
    assert tally.in_memory >= 2_500


def test_sql_and_match_find_what_the_oracle_finds(tally: Tally) -> None:
    shown = "\n".join(tally.differences[:40])
    assert not tally.differences, f"{len(tally.differences)} differences\n{shown}"


def test_nothing_else_is_refused(tally: Tally) -> None:
    assert not tally.refused, "\n".join(tally.refused[:200])


def test_what_is_answered_right_is_not_listed_as_missing(tally: Tally) -> None:
    assert NOT_YET - set(tally.late) == set()


def test_contained_resources_are_found_as_the_oracle_finds_them(loaded: Loaded) -> None:
    inner, wrong, matched = within(loaded.known), [], 0
    controls = (("_contained", "true"), ("_containedType", "contained"))
    with loaded.database.connection() as connection:
        for search in of_contained(inner, SEED):
            if late(search):
                continue
            query = parse(search.type, (*search.pairs, *controls), base_url=BASE, now=NOW)
            answer = {f"{each.type}/{each.id}" for each in searches.first(connection, query, ALL)}
            expected = found(inner, search.type, search.pairs)
            matched += bool(expected)
            if answer != expected:
                wrong.append(told(search, "SQL", answer, expected))
    assert matched > 300
    assert wrong == []


def test_results_are_in_the_order_asked_for(loaded: Loaded) -> None:
    wrong = []
    with loaded.database.connection() as connection:
        asked = (each for each in orders(loaded.known) if each[1].lstrip("-") not in UNORDERED)
        for resource_type, text in asked:
            query = parse(resource_type, [("_sort", text)], base_url=BASE)
            versions = searches.first(connection, query, ALL)
            names = [f"{each.type}/{each.id}" for each in versions]
            keys = [order.keys(loaded.known, name, text.removeprefix("-")) for name in names]
            complete = set(names) == set(loaded.known.by_type[resource_type])
            if not complete or not order.is_in_order(keys, falling=text.startswith("-")):
                lost = sorted(set(loaded.known.by_type[resource_type]) - set(names))
                shown = [str(each and each[0]) for each in keys]
                wrong.append(f"{resource_type}?_sort={text}: lost {lost}; {' '.join(shown)}")
    assert not wrong, "\n".join(wrong)


def test_a_compartment_has_the_members_that_the_oracle_finds(loaded: Loaded) -> None:
    wrong = []
    for compartment in compartments.compartments():
        for focus in loaded.known.by_type.get(compartment, ()):
            marked = compartment_term(focus)
            for name, indexed in loaded.entries.items():
                id_ = focus.partition("/")[2]
                if in_compartment(loaded.known, compartment, id_, name) != (
                    marked in indexed.terms
                ):
                    wrong.append(f"{name} in {focus}")
    assert wrong == []
