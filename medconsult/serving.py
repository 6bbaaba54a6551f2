"""`medconsult serve`: socket, database, schema, workers, and a word on what to open."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import click

from medconsult import chores, demo_people, mailing
from medconsult.app import store_of
from medconsult.authorization import auth_of
from medconsult.demo import load_into_new
from medconsult.embedded import serving
from medconsult.listening import is_loopback, listen
from medconsult.migrations import upgrade
from medconsult.reindexing import in_background
from medconsult.running import noted
from medconsult.settings import Settings
from medconsult.supervisor import Supervisor
from smart_auth import accounts
from smart_auth.auth import Auth

BANNER = """
MedConsult serves FHIR R4 at  {url}/fhir
  the portal                  {url}
  what it can do              {url}/fhir/metadata
  sign in, apps               {url}/auth/login  {url}/auth/apps
  is it alive, is it ready    {url}/healthz  {url}/readyz
  database                    {database}
{access}
Stop it with Ctrl-C.
"""
TOKENS = """\
  a token for curl            medconsult token --scope "system/*.rs"   (docs/smart.md)"""
SANDBOX = """
  !! --open: a SANDBOX. Everyone who reaches this address reads and changes every record  !!
  !! without a token. Never put records of real people here.                              !!
"""
IN_CLEAR = """
  !! {url} is no https, and others can reach it: passwords and tokens travel in clear.  !!
  !! Put a proxy that ends TLS in front, and say MEDCONSULT_BASE_URL=https://...        !!
"""
DEMO = """The database is new: {count} made-up demo records are in it, and accounts to sign in with.
{accounts}
  their password              {password}
  a demo app                  {url}/demo/app
  what they are sent          {url}/demo/mail
"""
NOBODY = """\
  Nobody can sign in yet: medconsult user add you@example.org --role administrator"""


def serve_until_stopped(settings: Settings) -> None:
    with (
        closing(listen(settings.host, settings.port)) as socket,
        serving(settings) as (url, mend),
    ):
        upgrade(url)
        settings = settings.model_copy(update={"port": socket.getsockname()[1]})
        said, demo = prepared(settings, url)
        click.echo(said)
        settings = settings.model_copy(update={"database_url": url, "demo": demo})
        with (
            in_background(settings),
            mailing.in_background(settings),
            chores.in_background(settings),
            noted(settings.data_dir, settings.public_url),
        ):
            Supervisor(socket, settings, mend).run()
    click.echo("Stopped.")


def prepared(settings: Settings, url: str) -> tuple[str, bool]:
    """Make keys, and demo records in a new embedded database; returns what to print, and whether it is a demo.

    A demo shows everybody the mails and takes no money: nothing of that where the database is not a demo's.
    """
    at = settings.model_copy(update={"database_url": url})
    store = store_of(at, 1)
    auth = auth_of(at, store)
    try:
        demo = settings.demo and not settings.database_url
        said = fill_when_new(auth) if demo else ""
        nobody = not accounts.any_of(auth.engine)
        return f"{said}{banner(settings, nobody=nobody)}", demo and demo_people.are_in(auth)
    finally:
        auth.engine.dispose()
        store.database.close()


def fill_when_new(auth: Auth) -> str:
    """Put demo records and accounts into a database that holds nothing yet; returns what to print."""
    if accounts.any_of(auth.engine):
        return ""
    count = load_into_new(auth.store, datetime.now(UTC).date())
    if not count:
        return ""
    password = demo_people.make(auth)
    lines = [f"  {role:<26}  {email}" for email, role, _, _ in demo_people.ACCOUNTS]
    return DEMO.format(count=count, accounts="\n".join(lines), password=password, url=auth.issuer)


def banner(settings: Settings, *, nobody: bool = False) -> str:
    embedded = f"embedded, in {settings.data_dir.resolve()}"
    access = SANDBOX if settings.open else "\n".join([TOKENS, *([NOBODY] if nobody else [])])
    if not settings.open and in_clear(settings):
        access += IN_CLEAR.format(url=settings.public_url)
    return BANNER.format(
        url=settings.public_url,
        database="yours, of MEDCONSULT_DATABASE_URL" if settings.database_url else embedded,
        access=access,
    )


def in_clear(settings: Settings) -> bool:
    """Tell whether others can reach the server without TLS."""
    return not settings.public_url.startswith("https://") and not is_loopback(settings.host)
