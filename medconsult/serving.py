"""`medconsult serve`: socket, database, schema, workers, and a word on what to open."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import click

from medconsult import mailing
from medconsult.app import store_of
from medconsult.demo import load_into_new
from medconsult.embedded import serving
from medconsult.listening import listen
from medconsult.migrations import upgrade
from medconsult.reindexing import in_background
from medconsult.running import noted
from medconsult.settings import Settings
from medconsult.supervisor import Supervisor

BANNER = """
MedConsult serves FHIR R4 at  {url}/fhir
  what it can do              {url}/fhir/metadata
  is it alive, is it ready    {url}/healthz  {url}/readyz
  database                    {database}
  {access}
Stop it with Ctrl-C.
"""
WITHOUT_TOKENS = (
    "There is no access control yet: it answers everyone on this machine, and only them."
)
SANDBOX = """
  !! --open: a SANDBOX. Everyone who reaches this address reads and changes every record  !!
  !! without a token. Never put records of real people here.                              !!
"""


def serve_until_stopped(settings: Settings) -> None:
    with (
        closing(listen(settings.host, settings.port)) as socket,
        serving(settings) as (url, mend),
    ):
        upgrade(url)
        if settings.demo and not settings.database_url:
            fill_when_new(settings.model_copy(update={"database_url": url}))
        settings = settings.model_copy(update={"port": socket.getsockname()[1]})
        click.echo(banner(settings))
        settings = settings.model_copy(update={"database_url": url})
        with (
            in_background(settings),
            mailing.in_background(settings),
            noted(settings.data_dir, settings.public_url),
        ):
            Supervisor(socket, settings, mend).run()
    click.echo("Stopped.")


def fill_when_new(settings: Settings) -> None:
    """Put the demo records into a database that holds nothing yet."""
    store = store_of(settings)
    with closing(store.database):
        if count := load_into_new(store, datetime.now(UTC).date()):
            click.echo(f"The database is new: {count} made-up demo records are in it.")


def banner(settings: Settings) -> str:
    embedded = f"embedded, in {settings.data_dir.resolve()}"
    return BANNER.format(
        url=settings.public_url,
        database="yours, of MEDCONSULT_DATABASE_URL" if settings.database_url else embedded,
        access=SANDBOX if settings.open else WITHOUT_TOKENS,
    )
