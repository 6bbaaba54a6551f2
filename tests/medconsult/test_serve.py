"""`medconsult serve` as a person runs it: another program, real signals, a real port."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from medconsult.embedded import cluster_in

T = TypeVar("T")
Serve = Callable[..., "Server"]
COMMAND = str(Path(sys.executable).with_name("medconsult"))


class Server:
    """A running `medconsult serve` with what it printed."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self.folder = folder
        self.output = folder / "output.txt"
        environment = {"MEDCONSULT_DATA_DIR": str(folder / "var"), "MEDCONSULT_DEMO": "false"}
        with self.output.open("w") as output:
            self.program = subprocess.Popen(
                [COMMAND, "serve", "--port", "0", *arguments],
                env=os.environ | environment | settings,
                cwd=folder,
                stdout=output,
                stderr=output,
            )

    @property
    def url(self) -> str:
        """The address it prints; waits until it answers."""
        return self.wait_for(self._address)

    def wait_for(self, ask: Callable[[], T | None], seconds: float = 30) -> T:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if found := ask():
                    return found
            assert self.program.poll() is None, self.output.read_text()
            time.sleep(0.05)
        raise AssertionError(f"waited in vain: {self.output.read_text()}")

    def _address(self) -> str | None:
        printed = re.search(r"(http://\S+)/fhir\n", self.output.read_text())
        if printed and httpx.get(printed[1] + "/healthz").status_code == 200:
            return printed[1]
        return None

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.program.pid}/task/{self.program.pid}/children").read_text()
        return [pid for pid in map(int, children.split()) if is_worker(pid)]


def is_worker(pid: int) -> bool:
    return b"medconsult.web_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[Server] = []

    def start(*arguments: str, **settings: str) -> Server:
        started.append(Server(tmp_path, *arguments, **settings))
        return started[-1]

    yield start
    for server in started:
        server.program.terminate()
        server.program.wait(30)
    cluster_in(tmp_path / "var").stop()


def answers(url: str) -> bool:
    try:
        return httpx.get(url + "/readyz").status_code == 200
    except httpx.TransportError:
        return False


def refused(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        [COMMAND, *arguments],
        env=os.environ | {"MEDCONSULT_DATA_DIR": str(folder / "var")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_it_prints_what_to_open_and_is_alive_ready_and_measured(serve: Serve) -> None:
    server = serve("--workers", "2")
    assert httpx.get(server.url + "/readyz").json() == {"ready": True}
    assert "MedConsult" in httpx.get(server.url + "/").text
    printed = server.output.read_text()
    assert "/fhir/metadata" in printed
    assert "Ctrl-C" in printed
    metrics = httpx.get(server.url + "/metrics").text
    assert 'medconsult_requests_total{door="web",method="GET",status="200"}' in metrics


def test_fhir_answers_below_its_base(serve: Serve) -> None:
    capability = httpx.get(serve("--workers", "1").url + "/fhir/metadata")
    assert capability.json()["resourceType"] == "CapabilityStatement"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_workers_and_database(serve: Serve, number: signal.Signals) -> None:
    server = serve("--workers", "2")
    url, workers = server.url, server.workers()
    assert len(workers) == 2
    server.program.send_signal(number)
    assert server.program.wait(30) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert cluster_in(server.folder / "var").postmaster() is None
    assert not answers(url)


def test_after_kill_9_its_workers_go_and_the_next_start_just_works(serve: Serve) -> None:
    server = serve("--workers", "2")
    port, workers = httpx.URL(server.url).port, server.workers()
    server.program.kill()
    server.program.wait()
    for pid in workers:
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.02)
    again = serve("--workers", "1", "--port", str(port))
    assert answers(again.url)


def test_a_second_start_takes_less_than_five_seconds(serve: Serve) -> None:
    first = serve("--workers", "1")
    assert first.url
    first.program.terminate()
    first.program.wait(30)
    start = time.monotonic()
    assert answers(serve("--workers", "1").url)
    assert time.monotonic() - start < 5


def test_a_worker_that_dies_is_replaced(serve: Serve) -> None:
    server = serve("--workers", "1")
    assert server.url
    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)
    server.wait_for(lambda: [pid for pid in server.workers() if pid != worker])
    assert server.url


def test_while_postgresql_is_away_it_is_not_ready_and_it_recovers(serve: Serve) -> None:
    server = serve("--workers", "1")
    url = server.url
    postmaster = cluster_in(server.folder / "var").postmaster()
    assert postmaster is not None
    os.kill(postmaster.pid, signal.SIGKILL)
    server.wait_for(lambda: not answers(url))
    assert server.wait_for(lambda: answers(url))


def test_a_second_instance_on_one_data_directory_is_refused(serve: Serve, tmp_path: Path) -> None:
    server = serve("--workers", "1")
    assert server.url
    sentence = refused(tmp_path, "serve", "--port", "0")
    assert f"pid {server.program.pid}" in sentence


def test_a_port_in_use_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sentence = refused(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert "make run PORT=8010" in sentence
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_others_reach_is_refused_when_open(tmp_path: Path, host: str) -> None:
    assert "--open asks for no tokens" in refused(tmp_path, "serve", "--open", "--host", host)


def test_open_warns_loudly(serve: Serve) -> None:
    server = serve("--open", "--workers", "1")
    assert server.url
    assert "SANDBOX" in server.output.read_text()


def test_the_request_id_is_returned_when_sane_and_made_when_not(serve: Serve) -> None:
    url = serve("--workers", "1").url
    for path in ("/healthz", "/fhir/metadata"):
        kept = httpx.get(url + path, headers={"X-Request-Id": "abc-123"})
        assert kept.headers.get_list("x-request-id") == ["abc-123"]
        forged = httpx.get(url + path, headers={"X-Request-Id": 'x" level="none'})
        assert re.fullmatch(r"[0-9a-f-]{8,}", forged.headers["x-request-id"])


def test_a_log_line_has_the_path_and_never_the_query(serve: Serve) -> None:
    server = serve("--workers", "1")
    httpx.get(server.url + "/fhir/Patient?name=Sesame", headers={"X-Request-Id": "find-me"})
    line = server.wait_for(lambda: log_line(server, "find-me"))
    assert (line["path"], line["method"]) == ("/fhir/Patient", "GET")
    assert "Sesame" not in server.output.read_text()


def log_line(server: Server, text: str) -> dict[str, object] | None:
    """Return the line with the text; lines are written a moment after the answer."""
    lines = server.output.read_text().splitlines(keepends=True)
    found = (json.loads(line) for line in lines if text in line and line.endswith("\n"))
    return next(found, None)
