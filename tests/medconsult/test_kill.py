"""What was acknowledged is there after kill -9, in the middle of a load."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from medconsult.embedded import cluster_in
from tests.medconsult.test_serve import Serve, serve
from tests.medconsult.writers import WRITERS, Writers

__all__ = ["serve"]


@pytest.mark.parametrize("postgresql_too", [False, True])
def test_every_acknowledged_write_outlives_kill_9(serve: Serve, postgresql_too: bool) -> None:
    server = serve("--open", "--workers", "2")
    writers = Writers(f"{server.url}/fhir")
    with ThreadPoolExecutor(WRITERS) as pool:
        writers.until_gone(pool)
        assert writers.enough.wait(60)
        if postgresql_too:
            postmaster = cluster_in(server.folder / "var").postmaster()
            assert postmaster is not None
            os.kill(postmaster.pid, signal.SIGKILL)
        server.program.kill()
        server.program.wait()
    base = f"{serve('--open', '--workers', '1').url}/fhir"
    with httpx.Client(timeout=10) as client:
        lost = [
            name for name in writers.acknowledged if client.get(f"{base}/{name}").status_code != 200
        ]
    assert len(writers.acknowledged) >= writers.wanted
    assert lost == []
