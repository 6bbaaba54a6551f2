"""`medconsult load`: bundles and NDJSON from files into the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medconsult.settings import Settings


def run(settings: Settings, paths: Sequence[Path]) -> int:
    """Load the files and return the exit status; `settings` name a database at head."""
    raise NotImplementedError
