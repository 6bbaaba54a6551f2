"""What the portal of one process holds, and how a page reaches the records: as somebody, audited."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from billing.payments import Billing
from fhir_server import extensions
from fhir_server.access.principal import Principal
from fhir_server.codec import Resource
from fhir_server.context import Store
from fhir_server.errors import FHIRError
from fhir_server.repository import Repository
from fhir_server.scheduling import records
from smart_auth import sessions
from smart_auth.auth import Auth
from smart_auth.pages import Stop
from smart_auth.sessions import Signed
from smart_auth.wording import later

T = TypeVar("T")
ANYBODY = Principal("public", name="A visitor")
"""Who has not signed in: sees who can be booked and when, and nothing else."""


@dataclass(frozen=True, slots=True, eq=False)
class Portal:
    auth: Auth
    billing: Billing
    time_zone: str = ""
    """IANA name: of people who have not chosen one; "" for that of the practice's first schedule."""
    scanner: str = ""
    """host:port of a ClamAV daemon that looks at uploads; "" for none."""


ZONE_S = 60
"""How long the practice's zone is remembered."""


def look(
    portal: Portal,
    signed: Signed | None,
    what: str,
    work: Callable[[Repository], T],
    query: str = "",
) -> T:
    """Read the records as who is signed in, or as anybody; one access for the audit.

    what: the resource type that the page is about.
    """
    with _accessing(portal, signed, "search-type", what, query) as store:
        return store.reading(work)


def change(
    portal: Portal, signed: Signed, what: str, work: Callable[[Repository], T], id_: str = ""
) -> T:
    """Change the records as who is signed in, in one transaction."""
    with _accessing(portal, signed, "operation", what, id_) as store:
        return store.writing(work)


@contextmanager
def _accessing(
    portal: Portal, signed: Signed | None, interaction: str, what: str, query: str
) -> Iterator[Store]:
    who = sessions.principal(signed) if signed else ANYBODY
    store = portal.auth.store.acting(who)
    if store.access is not None:
        store.access.interaction, store.access.type = interaction, what
        store.access.query = query
    status = 500
    try:
        yield store
        status = 200
    except FHIRError as refusal:
        status = refusal.status
        raise
    finally:
        store.end(status)


def usual_zone(portal: Portal) -> str:
    """Return the zone of people who have not chosen one."""
    return portal.time_zone or _practice_zone(portal, int(time.monotonic() // ZONE_S))


@functools.lru_cache(maxsize=8)
def _practice_zone(portal: Portal, _minute: int) -> str:
    schedules = portal.auth.store.acting(ANYBODY).reading(
        lambda r: records.first(r, 1, "Schedule", ("active", "true"), ("_sort", "_id"))
    )
    return extensions.text(schedules[0], "time-zone") if schedules else "UTC"


def found(portal: Portal, signed: Signed | None, type_: str, id_: str) -> Resource:
    """Read one record for a page; a page that says so (404) when there is none that they may see."""
    try:
        return look(
            portal, signed, type_, lambda repository: records.read(repository, type_, id_), id_
        )
    except FHIRError:
        raise missing() from None


def missing() -> Stop:
    return Stop(
        404,
        later("There is nothing here"),
        later("It may have been moved or taken away."),
        link=("/", later("Home")),
    )


def only(signed: Signed, *roles: str) -> Signed:
    """Return who is signed in, if they have one of the roles; a page that says so (403) otherwise."""
    if signed.account.role not in roles:
        raise Stop(
            403,
            later("This page is for others"),
            later("Your account has no part in it."),
            link=("/", later("Home")),
        )
    return signed
