"""Slots: made ahead from what schedules offer, and found while they are free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from fhir_server.codec import Resource
from fhir_server.extensions import claiming
from fhir_server.instants import instant, moment
from fhir_server.repository import Repository
from fhir_server.scheduling import records
from fhir_server.scheduling.offer import Offer, offer_of, starts
from fhir_server.storage import occupied

AHEAD = timedelta(days=28)
"""How far ahead slots are made."""
_AT_ONCE = 50
"""Slots of which it is asked together whether they are taken."""


def materialise(repository: Repository, schedule: Resource, now: datetime) -> int:
    """Make the slots of a schedule until AHEAD, and close those that it no longer offers; how many changed.

    What is booked stays as it is. Needs a transaction, as whoever may write slots.
    """
    offer = offer_of(schedule)
    end = now + AHEAD
    wanted = {_id(offer, start): start for start in _between(offer, now, end)}
    known = {each["id"]: each for each in _all(repository, offer, now, end)}
    made = [_slot(offer, start) for id_, start in wanted.items() if id_ not in known]
    opened = [
        each | {"status": "free"}
        for id_, each in known.items()
        if id_ in wanted and each["status"] == "busy-unavailable"
    ]
    closed = [
        each | {"status": "busy-unavailable"}
        for id_, each in known.items()
        if id_ not in wanted and each["status"] == "free"
    ]
    records.save_all(repository, [*made, *opened, *closed])
    return len(made) + len(opened) + len(closed)


def free(
    repository: Repository, offers: Iterable[Offer], start: datetime, end: datetime, most: int
) -> list[Resource]:
    """Return the first free slots of the offers in the span, the earliest first."""
    by_id = {each.schedule: each for each in offers}
    if not by_id:
        return []
    listed = records.walk(
        repository,
        "Slot",
        ("schedule", ",".join(f"Schedule/{id_}" for id_ in by_id)),
        ("status", "free"),
        ("start", f"ge{instant(start)}"),
        ("start", f"lt{instant(end)}"),
        ("_sort", "start"),
    )
    open_ = (each for each in listed if _in_time(each, by_id[schedule_of(each)]))
    found: list[Resource] = []
    while len(found) < most and (some := list(islice(open_, max(most, _AT_ONCE)))):
        found += without_taken(repository, some, by_id)
    return found[:most]


def without_taken(
    repository: Repository, slots: Sequence[Resource], offers: dict[str, Offer]
) -> list[Resource]:
    """Leave out slots whose practitioner has an appointment then, made through whatever door."""
    if not slots:
        return []
    first = min(moment(each["start"]) for each in slots)
    last = max(moment(each["end"]) for each in slots)
    who = {each.practitioner for each in offers.values()}
    taken = occupied.taken(repository.connection, who, first, last)
    return [
        each
        for each in slots
        if not any(
            name == offers[schedule_of(each)].practitioner
            and start < moment(each["end"])
            and end > moment(each["start"])
            for name, start, end in taken
        )
    ]


def schedule_of(slot: Resource) -> str:
    """Return the id of the slot's Schedule."""
    return str(slot["schedule"]["reference"].rpartition("/")[2])


def _in_time(slot: Resource, offer: Offer) -> bool:
    return moment(slot["start"]) >= datetime.now(UTC) + timedelta(hours=offer.notice_hours)


def _between(offer: Offer, now: datetime, end: datetime) -> list[datetime]:
    first = now.astimezone(offer.zone).date()
    days = (end - now).days + 2
    return [each for each in starts(offer, first, days) if now <= each < end]


def _all(repository: Repository, offer: Offer, now: datetime, end: datetime) -> list[Resource]:
    return records.find(
        repository,
        "Slot",
        ("schedule", f"Schedule/{offer.schedule}"),
        ("start", f"ge{instant(now)}"),
        ("start", f"lt{instant(end)}"),
    )


def _id(offer: Offer, start: datetime) -> str:
    """Return the slot's id: the same however often it is made."""
    return f"{offer.schedule[:48]}-{start:%Y%m%d%H%M}"


def _slot(offer: Offer, start: datetime) -> Resource:
    return {
        "resourceType": "Slot",
        "meta": claiming("slot"),
        "id": _id(offer, start),
        "serviceType": [{"text": offer.service}],
        "schedule": {"reference": f"Schedule/{offer.schedule}", "display": offer.name},
        "status": "free",
        "start": instant(start),
        "end": instant(start + timedelta(minutes=offer.minutes)),
    }
