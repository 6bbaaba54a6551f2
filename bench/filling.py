"""Fill a database with a population, by the server's own writes in batches, and let it settle.

A finished database says so in the table `population`, and is used again when it holds what is
asked and is indexed as this program would.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice

import psycopg2

from bench.parts import Resource
from bench.population import Population, of_patient, shared
from fhir_server import codec, references, repository
from fhir_server.database import Connection, Database
from fhir_server.search.entry import entry
from fhir_server.search.term import resource_key
from fhir_server.storage import resources
from fhir_server.storage.resources import Change, Version
from fhir_server.storage.tables import metadata
from medconsult.garbage import collect_seldom
from medconsult.migrations import upgrade

WRITERS = 2
BATCH = 500
SERVER = "http://127.0.0.1/fhir"
"""No reference in a record is absolute, so any base will do."""
FIRST_WRITE = datetime(2016, 6, 1, tzinfo=UTC)
YEARS = timedelta(days=3652)
# What is known of the index stays: without it all would be indexed anew while we measure.
TABLES = [
    name
    for name, table in metadata.tables.items()
    if {"key", "term"} & {*table.c.keys()} and name != "reindex"
]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one process writes: every `WRITERS`th patient; the first process the shared ones too."""

    url: str
    population: Population
    part: int


def fill(url: str, population: Population) -> int:
    """Make the database hold the population; returns its number of resources."""
    upgrade(url)
    known = _held(url, population)
    if known:
        print(f"The store is there: {known:,} resources.")
        return known
    began = time.monotonic()
    _empty(url)
    pieces = [Piece(url, population, part) for part in range(WRITERS)]
    with ProcessPoolExecutor(WRITERS, multiprocessing.get_context("spawn")) as pool:
        stored = sum(pool.map(write, pieces))
    loaded = time.monotonic() - began
    _settle(url, population, stored)
    settled = time.monotonic() - began - loaded
    print(f"Loaded {stored:,} resources in {loaded:.0f} s; settling took {settled:.0f} s.")
    return stored


def write(piece: Piece) -> int:
    """Write one process's part; returns its number of resources."""
    collect_seldom()
    stored = 0
    with closing(Database(piece.url, statement_timeout_ms=0)) as database:
        rows = changes(piece)
        while batch := list(islice(rows, BATCH)):
            with database.transaction() as connection:
                resources.write_many(connection, batch)
            stored += len(batch)
    return stored


def changes(piece: Piece) -> Iterator[Change]:
    """Yield the first versions of the part's resources, in the order in which a clinic met them."""
    people = piece.population
    if piece.part == 0:
        for resource in shared(people):
            yield _change(resource, FIRST_WRITE)
    for number in range(piece.part, people.patients, WRITERS):
        for index, resource in enumerate(of_patient(people, number)):
            yield _change(resource, written_at(people, number, index))


def written_at(population: Population, number: int, index: int) -> datetime:
    """Return the moment a record's resource was stored: patients came evenly over ten years."""
    return FIRST_WRITE + YEARS * (number + 1) / population.patients + timedelta(seconds=index)


def _change(resource: Resource, moment: datetime) -> Change:
    """Index and stamp as `Repository` does, but do not validate."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    body = codec.made(resource)
    kind, id_ = resource["resourceType"], resource["id"]
    indexed = entry(resource, references.local(body.text, SERVER), SERVER)
    text = repository.stamp(body, id_, 1, moment)
    key = resource_key(f"{kind}/{id_}")
    return Change(Version(key, kind, id_, 1, moment, "PUT", text), indexed, 0)


def _mark(population: Population) -> str:
    """Return what tells one filling from another: the records, and how they are indexed."""
    entries = [entry(resource) for resource in of_patient(population, 0)]
    digest = blake2b(repr(entries).encode(), digest_size=8).hexdigest()
    return f"seed {population.seed}, {population.asked} asked, indexed {digest}"


def _session(url: str) -> Connection:
    session = psycopg2.connect(url)
    session.autocommit = True
    return Connection(session, session.cursor())


def _held(url: str, population: Population) -> int:
    with closing(_session(url).session) as session:
        cursor = session.cursor()
        cursor.execute("CREATE TABLE IF NOT EXISTS population (mark text, stored bigint)")
        cursor.execute("SELECT stored FROM population WHERE mark = %s", (_mark(population),))
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def _empty(url: str) -> None:
    with closing(_session(url).session) as session:
        session.cursor().execute(f"TRUNCATE population, {', '.join(TABLES)}")


def _settle(url: str, population: Population, stored: int) -> None:
    """Do what autovacuum would do in time: statistics, visibility, an empty pending list."""
    with closing(_session(url).session) as session:
        cursor = session.cursor()
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("INSERT INTO population VALUES (%s, %s)", (_mark(population), stored))
        cursor.execute("CHECKPOINT")
