"""The command line."""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version as version_of
from pathlib import Path

import click

from medconsult import embedded, listening
from medconsult.commands import client, reseal, rotate_keys, token, user
from medconsult.sentences import sentences, settings_for_command

SEE = "Settings are MEDCONSULT_* variables or lines of a .env file: see docs/settings.md."


@click.group(epilog=SEE, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A FHIR R4 server on PostgreSQL.

    \b
    medconsult serve                  serve http://127.0.0.1:8000, with a database of its own
    medconsult load FOLDER            put patient records into it
    medconsult token --scope ...      print an access token
    medconsult user add EMAIL ...     make an account; client add NAME ... registers an app
    medconsult doctor                 say what is wrong, and what to do about it

    Without MEDCONSULT_DATABASE_URL the database is an embedded PostgreSQL under ./var; every
    command starts it when it needs it, or uses the one of a running server.
    """


@main.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes any free one.  [default: 8000]")
@click.option("--workers", type=int, help="Worker processes.  [default: one per core, at most 4]")
@click.option("--open", "sandbox", is_flag=True, default=None, help="Sandbox: no tokens, ever.")
def serve(host: str | None, port: int | None, workers: int | None, sandbox: bool | None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Starts the embedded database, brings the schema to head, starts the workers, and stops all of
    them at the end. Beyond this machine it wants a proxy in front that ends TLS.
    """
    with sentences():
        from medconsult.serving import serve_until_stopped  # noqa: PLC0415 - slow to import

        signal.signal(signal.SIGTERM, signal.default_int_handler)
        settings = settings_for_command(host=host, port=port, workers=workers, open=sandbox)
        if settings.open:
            listening.refuse_open_to_others(settings.host)
        serve_until_stopped(settings)


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    with sentences():
        from medconsult.migrations import upgrade  # noqa: PLC0415 - slow to import

        with embedded.database(settings_for_command()) as url:
            upgrade(url)
        click.echo("The schema is at head.")


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--again", is_flag=True, help="Load anew what was loaded before.")
def load(paths: tuple[Path, ...], again: bool) -> None:
    """Load records from files and folders.

    \b
    .json    a transaction, batch, collection or searchset Bundle, or any one resource
    .ndjson  one resource a line
    .gz of these, .tar.gz and .tgz archives of them, and folders of all of it

    A resource is put under its own id, or created when it has none; a transaction does what it
    says. All is validated and indexed as over HTTP. What is rejected is printed with the reason,
    the rest is loaded, and the exit status is 1.

    References in a bundle have to lead to something in the bundle or on the server; a bundle
    refused for that is tried again after the others. Lines of NDJSON may come in any order: they
    are stored first, and references that lead nowhere at the end are listed (exit status 1), but
    the lines stay. MEDCONSULT_REFERENTIAL_INTEGRITY=off leaves both checks out.

    An interrupted load goes on where it stopped when it is started again, and finished files are
    skipped while they do not change. What was being committed at a crash may be stored twice: as
    one more version, or, without an id, as another resource.
    """
    with sentences():
        from medconsult.load import run  # noqa: PLC0415 - slow to import
        from medconsult.migrations import upgrade  # noqa: PLC0415

        settings = settings_for_command()
        with embedded.database(settings) as url:
            upgrade(url)
            status = run(settings.model_copy(update={"database_url": url}), paths, again=again)
        sys.exit(status)


@main.command()
@click.option("--all", "everything", is_flag=True, help="Index every resource anew.")
def reindex(everything: bool) -> None:
    """Index stored resources by search parameters that came later.

    A running server does that by itself, in the background. Interrupted, it goes on where it
    stopped when it is started again.
    """
    with sentences():
        from medconsult.migrations import upgrade  # noqa: PLC0415 - slow to import
        from medconsult.reindexing import run  # noqa: PLC0415

        settings = settings_for_command()
        with embedded.database(settings) as url:
            upgrade(url)
            run(settings.model_copy(update={"database_url": url}), everything=everything)


@main.command()
def doctor() -> None:
    """Check the installation; exit status 1 when something is wrong."""
    with sentences():
        from medconsult.doctor import examine  # noqa: PLC0415 - slow to import

        healthy = True
        for finding in examine(settings_for_command()):
            healthy = healthy and finding.ok
            click.echo(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.what}: {finding.found}")
            if finding.remedy:
                click.echo(f"         -> {finding.remedy}")
    sys.exit(not healthy)


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(f"medconsult {version_of('medconsult')}, FHIR 4.0.1")


for command in (token, client, user, rotate_keys, reseal):
    main.add_command(command)
