"""Keeps the workers and the embedded PostgreSQL running until it is told to stop."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from medconsult.settings import Settings, as_environment
from medconsult.web_worker import GRACE_S

log = structlog.get_logger(__name__)

LOOK_S = 0.5
# A worker that ends sooner than this did not get to serve: starting it at once again would spin.
TOO_SOON_S = 2.0


@dataclass(slots=True)
class Worker:
    running: subprocess.Popen[bytes]
    since: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Supervisor:
    """Workers on one listening socket; `mend` is called now and then to look after the database."""

    listening: socket.socket
    settings: Settings
    mend: Callable[[], None]
    workers: list[Worker] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopping.set())
        environment = os.environ | as_environment(self.settings) | self._metrics()
        self.workers = [self._start(environment) for _ in range(self.settings.workers)]
        try:
            while not self.stopping.wait(LOOK_S):
                self.mend()
                self.workers = [self._still(worker, environment) for worker in self.workers]
        finally:
            self._stop()

    def _start(self, environment: dict[str, str]) -> Worker:
        number = self.listening.fileno()
        command = (sys.executable, "-m", "medconsult.web_worker", str(number), str(os.getpid()))
        return Worker(
            # Its own group: Ctrl-C reaches us alone, and we let requests end.
            subprocess.Popen(command, env=environment, pass_fds=(number,), process_group=0)  # noqa: S603
        )

    def _still(self, worker: Worker, environment: dict[str, str]) -> Worker:
        status = worker.running.poll()
        if status is None:
            return worker
        log.error("worker.ended", pid=worker.running.pid, status=status)
        self._forget(worker.running.pid)
        self.stopping.wait(max(0.0, worker.since + TOO_SOON_S - time.monotonic()))
        return worker if self.stopping.is_set() else self._start(environment)

    def _stop(self) -> None:
        for worker in self.workers:
            worker.running.terminate()
        for worker in self.workers:
            try:
                worker.running.wait(GRACE_S + 5)
            except subprocess.TimeoutExpired:
                worker.running.kill()
                worker.running.wait()

    def _metrics(self) -> dict[str, str]:
        """Workers count in files of one folder, so that any of them can answer for all."""
        folder = self._metrics_folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}

    def _forget(self, pid: int) -> None:
        """Gauges of live workers no longer count; counters do."""
        for file in self._metrics_folder.glob(f"gauge_live*_{pid}.db"):
            file.unlink(missing_ok=True)

    @property
    def _metrics_folder(self) -> Path:
        return self.settings.data_dir.resolve() / "metrics"
