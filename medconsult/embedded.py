"""Who owns the embedded PostgreSQL, and how each command gets at a database."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import structlog

from medconsult.cluster import Cluster, url
from medconsult.postgres_programs import EmbeddedError, programs_for
from medconsult.settings import Settings

log = structlog.get_logger(__name__)


class AlreadyRunning(EmbeddedError):
    """Another MedConsult has this data directory."""


@contextlib.contextmanager
def ownership(data_dir: Path) -> Iterator[None]:
    """Hold the data directory; the lock goes with the holder, however it ends."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "owner.lock").open("a+")
    except OSError as error:
        raise EmbeddedError(f"The data directory cannot be used: {error}") from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise AlreadyRunning(
                f"Another MedConsult (pid {pid}) is using {data_dir}. Stop it first, or give this "
                "one its own folder with MEDCONSULT_DATA_DIR."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def cluster_in(data_dir: Path) -> Cluster:
    directory = data_dir.resolve() / "postgresql"
    return Cluster(directory, programs_for(directory))


@contextlib.contextmanager
def running(data_dir: Path) -> Iterator[tuple[Cluster, str]]:
    """Own the data directory and run its PostgreSQL; raises AlreadyRunning."""
    cluster = cluster_in(data_dir)
    with ownership(data_dir):
        try:
            yield cluster, cluster.start()
        finally:
            cluster.stop()


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[tuple[str, Callable[[], None]]]:
    """Own the data directory while serving; give the database's URL and what keeps it running."""
    if settings.database_url:
        with ownership(settings.data_dir):
            yield settings.database_url, lambda: None
        return
    with running(settings.data_dir) as (cluster, at):
        yield at, lambda: revive(cluster)


def revive(cluster: Cluster) -> None:
    """Start PostgreSQL again if somebody or something ended it."""
    if cluster.postmaster() is not None:
        return
    log.error("embedded.ended", directory=str(cluster.directory))
    try:
        cluster.start()
    except (EmbeddedError, psycopg2.Error):
        log.exception("embedded.restart_failed")


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Give the URL of the user's PostgreSQL, of the embedded one that runs, or of one run for now."""
    if settings.database_url:
        yield settings.database_url
        return
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(running(settings.data_dir))[1]
        except AlreadyRunning:
            postmaster = cluster_in(settings.data_dir).postmaster()
            if postmaster is None:
                raise
            yield url(postmaster.socket_directory)
