"""Runs migrations, one transaction each, one runner at a time."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from billing import tables as billing
from fhir_server.channels import tables as channels
from fhir_server.storage import tables as records
from medconsult.embedded import database
from medconsult.migrations import engine
from medconsult.settings import load_settings
from smart_auth import tables as accounts
from ui import tables as portal

# Any number will do that nobody else takes in this database.
RUNNER_LOCK = 4_001_000_001


def run() -> None:
    """Use the connection of the caller, or (alembic's own command line) that of the settings."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        migrate(connection)
        return
    with database(load_settings()) as url, engine(url).connect() as own:
        migrate(own)


def migrate(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": RUNNER_LOCK})
    # A migration that waits for a lock makes every request behind it wait: rather give up.
    connection.execute(text("SET lock_timeout = '4s'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=[each.metadata for each in (records, channels, accounts, billing, portal)],
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=False,
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": RUNNER_LOCK})
        connection.commit()


run()
