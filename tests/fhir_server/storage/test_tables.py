from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects.postgresql.base import ischema_names

from billing import tables as billing
from fhir_server.channels import tables as channels
from fhir_server.storage import tables as records
from fhir_server.storage.tables import TransactionId
from medconsult.migrations import engine, newest
from smart_auth import tables as accounts
from ui import tables as portal

ALL = [records.metadata, channels.metadata, accounts.metadata, billing.metadata, portal.metadata]


@pytest.fixture(autouse=True)
def _reflect_xid8(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLAlchemy warns of a type that it does not know by itself."""
    monkeypatch.setitem(ischema_names, "xid8", TransactionId)


def test_migrations_make_what_the_metadata_says(database_url: str) -> None:
    with engine(database_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, ALL) == []


def test_a_table_too_many_would_be_noticed(database_url: str) -> None:
    with engine(database_url).connect() as connection:
        connection.exec_driver_sql("CREATE TABLE left_over (id int)")
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = [difference[0] for difference in compare_metadata(context, ALL)]
        connection.rollback()
    assert found == ["remove_table"]


def test_there_is_one_head() -> None:
    assert len(newest()) == 1
