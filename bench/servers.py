"""A PostgreSQL and real server processes for the time of one run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from medconsult.embedded import running

PROGRAM = Path(sys.executable).parent / "medconsult"


@dataclass(frozen=True, slots=True)
class House:
    """Where everything is; pids are roots of process trees."""

    folder: Path
    url: str
    database: int
    floor: int = 0
    floor_port: int = 0
    server: int = 0
    port: int = 0

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            # The code that is measured is this folder's, wherever the program was installed from.
            "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            "MEDCONSULT_DATABASE_URL": self.url,
            "MEDCONSULT_DATA_DIR": str(self.folder / "medconsult"),
            "FLOOR_DATABASE_URL": self.url,
        }


@contextmanager
def database(folder: Path) -> Iterator[House]:
    with running(folder / "database") as (cluster, url):
        postmaster = cluster.postmaster()
        if postmaster is None:
            raise SystemExit("PostgreSQL did not start.")
        yield House(folder, url, postmaster.pid)


@contextmanager
def started(
    folder: Path, command: list[str], environment: dict[str, str], port: int
) -> Iterator[int]:
    """Run a program until the end, once its port answers; what it says goes to "<port>.log"."""
    log = (folder / f"{port}.log").open("wb")
    program = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(port, program)
        yield program.pid
    finally:
        program.terminate()
        program.wait(30)
        log.close()


@contextmanager
def serving(house: House, *options: str) -> Iterator[House]:
    """Run the floor and a server with one worker."""
    floor_port, port = free_port(), free_port()
    environment = house.environment() | {"FLOOR_PORT": str(floor_port)}
    floor = [sys.executable, "-m", "bench.floor"]
    server = [str(PROGRAM), "serve", "--workers", "1", "--port", str(port), *options]
    with (
        started(house.folder, floor, environment, floor_port) as floor_pid,
        started(house.folder, server, environment, port) as server_pid,
    ):
        yield House(
            house.folder, house.url, house.database, floor_pid, floor_port, server_pid, port
        )


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(port: int, program: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if program.poll() is not None:
            raise SystemExit(f"{program.args!r} ended with status {program.returncode}.")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"Nothing answers on port {port}.")
