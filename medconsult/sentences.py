"""What every command begins and ends with: settings, and sentences instead of tracebacks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from medconsult import listening
from medconsult.logs import configure_logs
from medconsult.postgres_programs import EmbeddedError
from medconsult.settings import Settings, SettingsError, load_settings


def settings_for_command(**chosen: Any) -> Settings:
    settings = load_settings(**chosen)
    configure_logs(settings)
    return settings


@contextmanager
def sentences() -> Iterator[None]:
    """End with the sentence of an error that a person can mend, instead of a traceback."""
    try:
        yield
    except (SettingsError, EmbeddedError, listening.CannotListen) as error:
        fail(str(error))


def fail(sentence: str) -> NoReturn:
    click.echo(f"medconsult: {sentence}", err=True)
    sys.exit(2)
