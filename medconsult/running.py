"""Where the server of a data directory can be reached, for commands that run beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medconsult.settings import Settings

_FILE = "address"


@contextmanager
def noted(data_dir: Path, address: str) -> Iterator[None]:
    """Keep the server's public URL in the data directory while it serves."""
    file = data_dir / _FILE
    file.write_text(address)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def address_of(settings: Settings) -> str:
    """Return the public URL of the running server; that of the settings when none runs."""
    file = settings.data_dir / _FILE
    if settings.base_url or not file.exists():
        return settings.public_url
    return file.read_text().strip()
