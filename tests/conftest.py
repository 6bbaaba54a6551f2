"""A real PostgreSQL for the tests: the embedded one, or that of MEDCONSULT_TEST_DATABASE_URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import psycopg2.sql as sql
import pytest
from sqlalchemy import make_url

from medconsult.embedded import running
from medconsult.migrations import upgrade
from medconsult.settings import NOT_SETTINGS, PREFIX

REQUIRE_ALL = "MEDCONSULT_REQUIRE_ALL"
THEIR_DATABASE = "MEDCONSULT_TEST_DATABASE_URL"
REQUIRED = os.environ.get(REQUIRE_ALL) == "1"
EXISTING_TABLES = (
    "SELECT tablename FROM pg_tables "
    "WHERE schemaname = current_schema() AND tablename <> 'alembic_version'"
)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of a PostgreSQL in which this test process may make databases."""
    theirs = os.environ.get(THEIR_DATABASE)
    if theirs:
        yield theirs
        return
    with running(tmp_path_factory.mktemp("var")) as (_, url):
        yield url


@pytest.fixture(scope="session")
def database_url(postgresql: str) -> Iterator[str]:
    """Give the URL of this test process's own database, at head."""
    name = f"medconsult_test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    url = make_database(postgresql, name)
    upgrade(url)
    yield url
    drop_database(postgresql, name)


@pytest.fixture
def empty_database(database_url: str) -> str:
    """Give the URL of the database with every table emptied."""
    with closing(psycopg2.connect(database_url)) as session, session, session.cursor() as cursor:
        cursor.execute(EXISTING_TABLES)
        tables = sql.SQL(", ").join(sql.Identifier(name) for (name,) in cursor.fetchall())
        # The audit is not emptied by anybody but tests.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
    return database_url


def make_database(server: str, name: str) -> str:
    """Make the database anew; a test's commits need not survive a power cut."""
    drop_database(server, name)
    run_alone(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    unsafe = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
    run_alone(server, unsafe.format(sql.Identifier(name)))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def drop_database(server: str, name: str) -> None:
    run_alone(
        server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def run_alone(server: str, statement: sql.Composable) -> None:
    """Run what PostgreSQL refuses inside a transaction."""
    with closing(psycopg2.connect(server)) as session:
        session.autocommit = True
        session.cursor().execute(statement)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    report = yield
    return refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> object:
    report = yield
    return refuse_skip(report)


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> object:
    """Where everything has to be there, a test that was skipped proves nothing."""
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{REQUIRE_ALL} is set, but this was skipped: {report.longrepr}"
    return report
