"""What goes on by itself beside the requests: holds end, slots are made, payments applied, people told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg2
import structlog
from sqlalchemy.exc import SQLAlchemyError

from billing import payments
from billing.provider import ProviderDown
from fhir_server.access.principal import Principal
from fhir_server.codec import Resource
from fhir_server.context import Store
from fhir_server.errors import Conflict, FHIRError
from fhir_server.repository import Repository
from fhir_server.scheduling import booking, records, slots, waiting
from fhir_server.storage import settling
from medconsult import background
from medconsult.app import store_of
from medconsult.authorization import auth_of
from medconsult.portal import portal_of
from medconsult.settings import Settings
from ui import telling
from ui.portal import Portal

LOOK_S = 1.0
END_S = 10.0
SLOTS_EVERY_S = 3600.0
WAITING_EVERY_S = 5.0
SETTLE_EVERY_S = 5.0
REMIND_EVERY_S = 60.0
COMPARE_EVERY_S = 24 * 3600.0
COMPARED = timedelta(days=2)
SCHEDULING = Principal("system", name="Scheduling")
log = structlog.get_logger(__name__)


def in_background(settings: Settings) -> AbstractContextManager[None]:
    """Do them in a thread, until the context ends."""
    return background.in_background(partial(_until, settings), END_S)


def _until(settings: Settings, stopping: threading.Event) -> None:
    store = store_of(settings)
    chores = chores_of(portal_of(settings, auth_of(settings, store)))
    with closing(store.database):
        while not stopping.wait(LOOK_S):
            for each in chores:
                each.look()


@dataclass(slots=True)
class Chore:
    """Work that is done at the start and then every so often, and fails alone."""

    name: str
    every_s: float
    work: Callable[[], object]
    due: float = 0.0

    def look(self) -> None:
        """Do the work if it is due."""
        if time.monotonic() < self.due:
            return
        self.due = time.monotonic() + self.every_s
        try:
            self.work()
        except AWAY as error:
            # What is away comes back; what was done is noted in the database.
            log.warning("chore.interrupted", chore=self.name, error=type(error).__name__)
        except Exception:
            log.exception("chore.failed", chore=self.name)


AWAY = (FHIRError, SQLAlchemyError, psycopg2.Error, ProviderDown)


def chores_of(portal: Portal) -> Sequence[Chore]:
    """Return what is to be done for the portal, in this order."""
    store = portal.auth.store
    expire = partial(acting(store).writing, booking.expire)
    return (
        Chore("holds", 0, partial(_all, expire)),
        Chore("payments", 0, partial(_all, partial(payments.apply_next, portal.billing))),
        Chore("refunds", 0, partial(_all, partial(payments.refund_next, portal.billing))),
        Chore("changes", 0, partial(_all, partial(telling.follow_next, portal))),
        Chore("slots", SLOTS_EVERY_S, partial(make_slots, store)),
        Chore("waiting", WAITING_EVERY_S, partial(offer_times, store)),
        Chore(
            "terms", SETTLE_EVERY_S, partial(store.reading, lambda r: settling.settle(r.connection))
        ),
        Chore("reminders", REMIND_EVERY_S, partial(telling.remind, portal)),
        Chore("comparison", COMPARE_EVERY_S, partial(compare, portal)),
    )


def compare(portal: Portal) -> None:
    """Ask the provider about the payments of the last days, and log what differs."""
    for difference in payments.compare(portal.billing, datetime.now(UTC) - COMPARED):
        log.warning("payment.differs", what=difference)


def make_slots(store: Store) -> None:
    """Make the slots of every schedule in use."""
    for schedule in acting(store).reading(_schedules):
        slots_of(store, schedule["id"])


def offer_times(store: Store) -> None:
    """Offer what became free to who waits for it, and end the waits that are over."""
    server = acting(store)
    _all(partial(server.writing, waiting.end_next))
    for id_, slot in server.reading(waiting.matches):
        try:
            server.writing(partial(waiting.offer_slot, id_=id_, slot_id=slot))
        except Conflict as refusal:
            log.info("waiting.not_offered", appointment=id_, reason=str(refusal))


def slots_of(store: Store, schedule: str) -> None:
    """Make or close the slots of one schedule, after what it offers now."""

    def work(repository: Repository) -> int:
        return slots.materialise(
            repository, records.read(repository, "Schedule", schedule), datetime.now(UTC)
        )

    try:
        if changed := acting(store).writing(work):
            log.info("slots.made", schedule=schedule, count=changed)
    except Conflict as refusal:
        log.info("slots.none", schedule=schedule, reason=str(refusal))


def acting(store: Store) -> Store:
    return store.acting(SCHEDULING)


def _schedules(repository: Repository) -> list[Resource]:
    return records.find(repository, "Schedule", ("active", "true"))


def _all(step: Callable[[], object]) -> None:
    """Take the step until there is nothing left to do."""
    while step():
        pass
