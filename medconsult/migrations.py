"""Alembic's migrations, run from Python."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.pool import NullPool

from fhir_server.database import Database
from fhir_server.storage.reindex import note_format

CONFIGURATION = Path(__file__).resolve().parent.parent / "alembic.ini"


def engine(url: str) -> Engine:
    """Return an engine on psycopg2, which SQLAlchemy does not choose by itself."""
    return create_engine(make_url(url).set(drivername="postgresql+psycopg2"), poolclass=NullPool)


def upgrade(url: str) -> None:
    """Bring the database to the newest schema; waits when another process is doing it.

    An index that another release made is queued to be made anew.
    """
    configuration = Config(str(CONFIGURATION))
    with engine(url).connect() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
    with closing(Database(url)) as database, database.connection() as session:
        note_format(session)


def at_head(url: str) -> bool:
    with engine(url).connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == newest()


def newest() -> set[str]:
    return set(ScriptDirectory.from_config(Config(str(CONFIGURATION))).get_heads())
