"""What every answer carries, whichever door it comes from."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from medconsult.app import create_app
from medconsult.settings import Settings


@pytest.mark.parametrize(
    ("base", "told"), [("https://records.example", True), ("http://records.example", False)]
)
@pytest.mark.parametrize("path", ["/fhir/metadata", "/auth/login", "/nowhere"])
def test_browsers_that_come_by_https_are_told_to_stay_with_it(
    database_url: str, tmp_path: Path, base: str, told: bool, path: str
) -> None:
    # The sandbox: it listens for no revocations, which would go on after the test.
    settings = Settings(database_url=database_url, data_dir=tmp_path, base_url=base, open=True)

    async def header() -> str:
        app = create_app(settings)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
            return (await client.get(path)).headers.get("strict-transport-security", "")

    assert ("max-age=" in asyncio.run(header())) is told
