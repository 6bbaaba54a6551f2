"""Indexing anew: in the background of `medconsult serve`, and by `medconsult reindex`.

One process at a time does it, whoever holds the advisory lock; it works in small batches with
pauses between them, so that requests hardly notice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from functools import partial

import click
import psycopg2
import structlog

from fhir_server.context import Store
from fhir_server.database import Connection
from fhir_server.errors import FHIRError
from fhir_server.storage import parameters, reindex
from fhir_server.storage.reindex import Job
from medconsult import background
from medconsult.app import store_of
from medconsult.settings import Settings

LOOK_S = 1.0
PAUSE_S = 0.05
"""Between two batches."""
END_S = 10.0

log = structlog.get_logger(__name__)
Tell = Callable[[Job], None]


def silent(_: Job) -> None:
    """Tell nobody."""


def in_background(settings: Settings) -> AbstractContextManager[None]:
    """Index anew what has to be, in a thread, until the context ends."""
    return background.in_background(partial(_until, settings), END_S)


def _until(settings: Settings, stopping: threading.Event) -> None:
    store = store_of(settings)
    with closing(store.database):
        while not stopping.wait(LOOK_S):
            try:
                work(store, stopping)
            except (FHIRError, psycopg2.Error) as error:
                # The database may be starting anew; what was done is noted there.
                log.warning("reindex.interrupted", error=type(error).__name__)


def work(
    store: Store,
    stopping: threading.Event | None = None,
    *,
    settle: float | None = None,
    pause: float = PAUSE_S,
    tell: Tell = silent,
) -> bool:
    """Do what is to be done; False when another process is at it, or it is too early to begin."""
    stopping = stopping or threading.Event()
    with store.database.connection() as connection, reindex.alone(connection) as alone:
        return alone and _work(
            store, connection, stopping, reindex.SETTLE_S if settle is None else settle, pause, tell
        )


def _work(
    store: Store,
    connection: Connection,
    stopping: threading.Event,
    settle: float,
    pause: float,
    tell: Tell,
) -> bool:
    while not stopping.is_set():
        defined = parameters.read(connection)
        waiting = reindex.reconcile(connection, defined)
        if not waiting:
            return True
        job = next((job for job in waiting if reindex.begun(connection, job, settle)), None)
        if job is None:
            return False
        _walk(store, connection, job.what, stopping, pause, tell)
    return False


def _walk(
    store: Store,
    connection: Connection,
    what: str,
    stopping: threading.Event,
    pause: float,
    tell: Tell,
) -> None:
    """Take the job to its end, unless it was queued anew or what is defined has changed."""
    started = reindex.jobs(connection)[what].queued
    generation = parameters.read(connection).generation
    while not stopping.is_set() and parameters.read(connection).generation == generation:
        job = reindex.jobs(connection).get(what)
        if job is None or job.queued != started:
            return
        tell(job)
        if job.finished:
            log.info("reindex.finished", what=what, done=job.done)
            return
        if reindex.step(store.database, job, store.base):
            stopping.wait(pause)


def run(settings: Settings, *, everything: bool) -> None:
    """Index anew what has to be, or everything, and print how far that has come."""
    store = store_of(settings)
    told: dict[str, int] = {}

    def tell(job: Job) -> None:
        if told.get(job.what) != job.percent:
            told[job.what] = job.percent
            click.echo(f"{job.what}: {job.percent} % of {job.total:,} resources")

    with closing(store.database) as database:
        if everything:
            with database.connection() as connection:
                reindex.queue_all(connection)
        while not work(store, pause=0, tell=tell):
            time.sleep(LOOK_S)
            # A running server may be doing it.
            for job in store.reading(
                lambda repository: reindex.jobs(repository.connection)
            ).values():
                if not job.finished:
                    tell(job)
    click.echo("The index is complete.")
