"""The plan of every shape of query, as PostgreSQL says it: an index answers, and which one.

The store is filled as the benchmark fills it, and small; what is asked for is drawn as there. No
kind of plan is switched off, but for counts: even here no page may read a large table whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from random import Random
from types import MappingProxyType
from urllib.parse import parse_qsl

import psycopg2
import pytest

from bench import filling
from bench.filling import WRITERS, Piece
from bench.population import Population
from bench.shapes import SHAPES, Corpus, Shape
from fhir_server.search import order, sql
from fhir_server.search.parse import parse
from fhir_server.search.query import Query
from fhir_server.storage import includes, searches, superseded
from fhir_server.storage.resources import Version
from medconsult.migrations import upgrade
from tests.conftest import drop_database, make_database
from tests.fhir_server.storage.plans import Planned, explaining

PEOPLE = Population(seed=2, asked=8_000)
DRAWS = 3

TERMS = "resource_terms"
BY_TIME = "resource_type_updated"
KEY = "resource_pkey"
# Of what a large share of the store has, the newest of the type are looked at first.
SHARE = f"{TERMS}|{BY_TIME}"

EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "identifier": TERMS,
        "family": f"string_index_value {KEY}",
        "family and birthdate": f"string_index_value {KEY} date_index_key",
        "phone": TERMS,
        "name:contains": f"string_index_value {KEY}",
        "_id, a list of 10": KEY,
        "patient and category": SHARE,
        "patient, code, dates, newest first": f"{TERMS} date_index_key",
        "patient and 5 codes": SHARE,
        "one day over all patients": f"date_index_value {KEY}",
        "code and value-quantity range": TERMS,
        "patient and code-value-quantity": "number_index_value",
        "component code and value": f"number_index_value {KEY}",
        "chain to the patient": TERMS,
        "chain over two steps": f"string_index_value {KEY} {TERMS}",
        "_has": f"{TERMS} {KEY}",
        "_include": f"{TERMS} {KEY}",
        "_revinclude": f"{KEY} {TERMS}",
        # Whichever of the two fewer have.
        "practitioner and period": f"{TERMS}|date_index_value",
        "medication status and intent": SHARE,
        "_lastUpdated, one day": BY_TIME,
        "_lastUpdated since, oldest first": BY_TIME,
        ":not": BY_TIME,
        ":missing": TERMS,
        ":text": f"text_value_pkey {TERMS}",
        "condition code and clinical-status": TERMS,
        "status, a whole type": BY_TIME,
        "newest first, a whole type": f"date_index_value {KEY}",
        "_total=accurate, selective": TERMS,
        "_total=accurate, broad": f"{BY_TIME} {TERMS}",
        "_total=estimate, broad": f"{BY_TIME} {TERMS}",
    }
)
"""What the statements of each draw use at least; where the drawn value decides, one or the other."""

PAGES: Mapping[str, str] = MappingProxyType(
    {
        "Observation?": BY_TIME,
        "Observation?_sort=_lastUpdated": BY_TIME,
        "Observation?_sort=date": "date_index_value",
        "Observation?_sort=-date": "date_index_value",
        "Observation?_sort=-value-quantity": "number_index_value",
        "Observation?value-quantity=gt100": "number_index_value",
        "Patient?_sort=family": "string_index_value",
        "Patient?_sort=-family": "string_index_value",
        # No index has it in order: the type is read by its index, which the cost is limited for.
        "Patient?_sort=gender": BY_TIME,
        "Condition?_sort=-onset-date,code": "date_index_value",
    }
)
"""What every page begins with."""

_SORTS = ("date", "-date", "_lastUpdated", "-_id", "status", "-value-quantity")
ALONE: Mapping[str, str] = MappingProxyType(
    {
        "Patient?name:exact=x": TERMS,
        "Patient?address-city:contains=x": "string_index_value",
        "Condition?code:text=dia": "text_value_pkey",
        "Observation?date=ge2015&date=lt2016": "date_index_value",
        "Patient?_has:Observation:patient:date=2015-01-01": "date_index_value",
        "Observation?_filter=code eq x and date ge 2015": TERMS,
        "Observation?_content=x": TERMS,
        "Observation?_tag=x": TERMS,
        **{f"Observation?patient=x&_sort={each}": TERMS for each in _SORTS},
        "Patient?_list=1": KEY,
        "Patient?_lastUpdated=ge2020": BY_TIME,
        "Observation?status:missing=true": BY_TIME,
    }
)
"""Kinds of condition that no shape of the benchmark has."""


@pytest.fixture(scope="module")
def filled(postgresql: str) -> Iterator[str]:
    """Give the URL of a database that holds the population and has settled."""
    name = f"medconsult_test_plans_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    url = make_database(postgresql, name)
    upgrade(url)
    for part in range(WRITERS):
        filling.write(Piece(url, PEOPLE, part))
    with closing(psycopg2.connect(url)) as session:
        session.autocommit = True
        session.cursor().execute("VACUUM (ANALYZE)")
    yield url
    drop_database(postgresql, name)


def read(address: str) -> Query:
    kind, _, query = address.partition("?")
    return parse(kind, parse_qsl(query))


def answered(url: str, query: Query) -> list[Planned]:
    """Answer as the REST layer does: the first page, what it includes, and the total."""
    with explaining(url) as (connection, planned):
        page = searches.page(connection, query)
        includes.included(connection, query, page.rows, 100, all_of)
        if query.total == "accurate":
            searches.count(connection, query)
        if query.total == "estimate":
            searches.estimate(connection, query)
        return planned


def all_of(versions: Sequence[Version]) -> set[int]:
    return {each.key for each in versions}


def used(planned: list[Planned]) -> frozenset[str]:
    """Return the indexes; no large table may have been read whole."""
    assert planned
    for each in planned:
        assert not each.scans, f"All rows of {', '.join(each.scans)} are read by {each.text}"
        assert each.indexes, each.text
    return frozenset().union(*(each.indexes for each in planned))


SEARCHES = [shape for shape in SHAPES if not shape.name.startswith("$")]


@pytest.mark.parametrize("shape", SEARCHES, ids=lambda shape: shape.name)
def test_a_shape_is_answered_by_its_index(filled: str, shape: Shape) -> None:
    for draw in range(DRAWS):
        corpus = Corpus(PEOPLE, Random(f"{shape.name} {draw}"))
        found = used(answered(filled, read(shape.draw(corpus))))
        assert any(found.issuperset(each.split()) for each in EXPECTED[shape.name].split("|"))


@pytest.mark.parametrize("shape", SEARCHES, ids=lambda shape: shape.name)
def test_a_count_reads_no_whole_table(filled: str, shape: Shape) -> None:
    with explaining(filled) as (connection, planned):
        # Half the store is of one type here: to count all of that, reading the whole is rightly best.
        connection.session.cursor().execute("SET enable_seqscan = off")
        searches.count(connection, read(shape.draw(Corpus(PEOPLE, Random(shape.name)))))
        used(planned)


def test_every_shape_has_its_expectation_and_nothing_else_has() -> None:
    assert set(EXPECTED) == {shape.name for shape in SEARCHES}


@pytest.mark.parametrize("address", ALONE)
def test_a_condition_is_answered_by_its_index(filled: str, address: str) -> None:
    assert set(ALONE[address].split()) <= used(answered(filled, read(address)))


@pytest.mark.parametrize("address", PAGES)
def test_a_later_page_is_answered_as_the_first_is(filled: str, address: str) -> None:
    query = read(address)
    with explaining(filled) as (connection, planned):
        page = searches.page(connection, query)
        first = used(planned)
        planned.clear()
        second = searches.page(connection, query, page.next)
        later = used(planned)
        planned.clear()
        searches.page(connection, query, second.previous)
        before = used(planned)
    assert PAGES[address] in first
    assert {PAGES[address], "resource_changed"} <= later & before


@pytest.mark.parametrize("sort", ["death-date", "-death-date"])
def test_what_has_no_value_to_sort_by_is_found_by_its_type(filled: str, sort: str) -> None:
    query = read(f"Patient?_sort={sort}&_count=5")
    assert list(order.phases(query)) == [0, 1]
    with explaining(filled) as (connection, planned):
        statement = sql.page(query, 1, limit=6)
        assert len(connection.query(statement.text, statement.parameters)) == 6
        assert {BY_TIME, "date_index_value"} <= used(planned)


def test_what_was_superseded_is_found_by_its_transaction(filled: str) -> None:
    with explaining(filled) as (connection, planned):
        snapshot = connection.query("SELECT pg_current_snapshot()::text")[0][0]
        assert superseded.matching(connection, read("Observation?"), snapshot, "") == []
        assert used(planned) == {"resource_changed"}


@pytest.mark.parametrize(
    ("control", "index"),
    [
        ("_include=Observation:*", KEY),
        ("_include=Observation:encounter&_include:iterate=Encounter:practitioner", KEY),
        ("_revinclude=Provenance:target", TERMS),
        ("_revinclude:iterate=Observation:has-member", TERMS),
        ("_revinclude=*", TERMS),
    ],
)
def test_what_is_included_is_found_by_key_or_term(filled: str, control: str, index: str) -> None:
    query = read(f"Observation?_count=5&{control}")
    with explaining(filled) as (connection, planned):
        page = searches.page(connection, query)
        planned.clear()
        includes.included(connection, query, page.rows, 100, all_of)
        assert index in used(planned)


def test_a_table_that_is_read_whole_would_be_seen(filled: str) -> None:
    with explaining(filled) as (connection, planned):
        connection.query("SELECT count(*) FROM resource WHERE content LIKE '%x%'")
        assert [each.scans for each in planned] == [{"resource"}]
        with pytest.raises(AssertionError):
            used(planned)
