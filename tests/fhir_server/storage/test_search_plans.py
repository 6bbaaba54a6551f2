"""Every shape of search is answered from an index: the plans that PostgreSQL makes, read and pinned.

On a store as small as a test's, reading a whole table can rightly be cheaper; it is switched off, so
that a plan says whether an index can answer. What is cheaper at a million is bench's to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import psycopg2
import pytest

from bench.filling import Piece, write
from bench.population import Population
from bench.shapes import SHAPES, Corpus, Shape
from fhir_server.database import Connection
from fhir_server.search import sql
from fhir_server.search.order import Place, of_phase, phases
from fhir_server.search.parse import parse
from fhir_server.search.query import Query
from fhir_server.search.sql import Statement
from fhir_server.storage import frequencies, includes, superseded
from medconsult.migrations import upgrade
from tests.conftest import drop_database, make_database

POPULATION = Population(1, 4_000)
BASE = "http://127.0.0.1/fhir"

# By shape: an index that its first page's plan has to use, among others.
INDEX = {
    "identifier": "resource_terms",
    "family": "string_index_value",
    "family and birthdate": "string_index_value",
    "phone": "resource_terms",
    "name:contains": "string_index_value",
    "_id, a list of 10": "resource_pkey",
    "patient and category": "resource_terms",
    "patient, code, dates, newest first": "resource_terms",
    "patient and 5 codes": "resource_terms",
    "one day over all patients": "date_index_value",
    "code and value-quantity range": "resource_terms",
    "patient and code-value-quantity": "number_index_value",
    "component code and value": "number_index_value",
    "chain to the patient": "resource_terms",
    "chain over two steps": "resource_terms",
    "_has": "resource_terms",
    "_include": "resource_terms",
    "_revinclude": "resource_pkey",
    "practitioner and period": "date_index_value",
    "medication status and intent": "resource_type_updated",
    "_lastUpdated, one day": "resource_type_updated",
    "_lastUpdated since, oldest first": "resource_type_updated",
    ":not": "resource_type_updated",
    ":missing": "resource_terms",
    ":text": "text_value_pkey",
    "condition code and clinical-status": "resource_terms",
    "status, a whole type": "resource_type_updated",
    "newest first, a whole type": "date_index_value",
    "_total=accurate, selective": "resource_terms",
    "_total=accurate, broad": "resource_type_updated",
    "_total=estimate, broad": "resource_type_updated",
}
SEARCHES = [shape for shape in SHAPES if shape.name != "$everything"]


@pytest.fixture(scope="module")
def connection(postgresql: str) -> Iterator[Connection]:
    name = "medconsult_test_plans"
    url = make_database(postgresql, name)
    upgrade(url)
    for part in range(2):
        write(Piece(url, POPULATION, part))
    with closing(psycopg2.connect(url)) as session:
        session.autocommit = True
        made = Connection(session, session.cursor())
        made.query("VACUUM (ANALYZE)")
        made.query("SET enable_seqscan = off")
        yield made
    drop_database(postgresql, name)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(POPULATION, Random(7))


def nodes(connection: Connection, statement: Statement) -> list[dict[str, Any]]:
    found = connection.query(f"EXPLAIN (FORMAT JSON) {statement.text}", statement.parameters)
    top = found[0][0] if not isinstance(found[0][0], str) else json.loads(found[0][0])

    def below(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for each in node.get("Plans", ()):
            yield from below(each)

    return list(below(top[0]["Plan"]))


def indexes(plan: list[dict[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in plan if "Index Name" in node}


def scanned(plan: list[dict[str, Any]]) -> set[str]:
    return {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}


def query_of(shape: Shape, corpus: Corpus) -> Query:
    kind, _, text = shape.draw(corpus).partition("?")
    return parse(kind, parse_qsl(text), base_url=BASE)


def first_page(connection: Connection, shape: Shape, query: Query) -> Statement:
    """Return the statement that a first page tries first, in a store where few have what few have."""
    limit = query.count + 1
    if shape.kind == "selective" or shape.name == ":missing":
        return sql.page(query, limit=limit)
    return sql.page(
        query,
        limit=limit,
        window=frequencies.window(connection, query, limit),
        many=frequencies.many(connection),
    )


@pytest.mark.parametrize("shape", SEARCHES, ids=lambda shape: shape.name)
def test_a_first_page_is_found_by_its_index(
    connection: Connection, corpus: Corpus, shape: Shape
) -> None:
    plan = nodes(connection, first_page(connection, shape, query_of(shape, corpus)))
    assert scanned(plan) == set()
    assert INDEX[shape.name] in indexes(plan)


@pytest.mark.parametrize("shape", SEARCHES, ids=lambda shape: shape.name)
def test_a_count_reads_no_whole_table(connection: Connection, corpus: Corpus, shape: Shape) -> None:
    assert scanned(nodes(connection, sql.count(query_of(shape, corpus)))) == set()


@pytest.mark.parametrize("sort", ["", "-date", "date", "_lastUpdated", "_id", "status"])
def test_a_later_page_of_each_phase_reads_no_whole_table(connection: Connection, sort: str) -> None:
    pairs = [("patient", "Patient/x"), *([("_sort", sort)] if sort else [])]
    query = parse("Observation", pairs)
    values = {"updated": "2024-01-01T00:00:00Z", "date": 0, "id": "x", "text": "x"}
    for phase in phases(query):
        place = Place(phase, (*(values[each.type] for each in of_phase(query, phase)), 1))
        statement = sql.page(query, phase, place, limit=21, snapshot="10:10:")
        plan = nodes(connection, statement)
        assert scanned(plan) == set()
        assert "resource_terms" in indexes(plan)


def test_included_resources_are_found_by_key_and_by_term(connection: Connection) -> None:
    by_key = Statement(includes._TARGETS, {"keys": [1, 2, 3]})
    by_term = Statement(includes._SOURCES, {"terms": [1, 2], "seen": [3], "limit": 10})
    assert indexes(nodes(connection, by_key)) == {"resource_pkey"}
    assert "resource_terms" in indexes(nodes(connection, by_term))


def test_what_was_superseded_is_found_by_its_transaction(connection: Connection) -> None:
    parameters = {"snapshot": "10:10:", "types": ["Patient"], "limit": 10}
    plan = nodes(connection, Statement(superseded._CHANGED, parameters))
    assert indexes(plan) == {"resource_changed"}
