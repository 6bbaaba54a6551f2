"""Who can be booked, and when: the pages that anybody sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from billing.money import minor, shown
from fhir_server import extensions
from fhir_server.codec import Resource
from fhir_server.errors import Conflict, FHIRError
from fhir_server.instants import moment
from fhir_server.repository import Repository
from fhir_server.scheduling import records, slots, taking
from fhir_server.scheduling.offer import Offer, offered
from fhir_server.scheduling.people import name_of
from smart_auth import sessions
from smart_auth.pages import worded
from ui import preferences
from ui.pages import concept, show
from ui.paging import Pages, Part
from ui.portal import Portal, look, missing

WEEK = timedelta(days=7)
SOON = timedelta(days=3)
"""In the list; a page of its own shows the rest."""
PAGE = 20
EARLIEST = 200
LONGEST_LIST = 1000


@dataclass(frozen=True, slots=True)
class Doctor:
    """A practitioner with what they offer."""

    id: str
    name: str
    resource: Resource
    specialty: str
    languages: str
    biography: str
    qualification: str
    offer: Offer
    fee: str
    """"40.00 EUR", or "" when nothing is charged."""
    free: Resource | None = None
    """The first free slot, of those in a list."""


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def front(request: Request) -> Response:
        signed = sessions.current(portal.auth, request)
        if signed is not None:
            return RedirectResponse(HOMES.get(signed.account.role, "/home"), 303)
        return show(portal, request, None, "front.html")

    @router.get("/doctors")
    def listed(request: Request) -> Response:
        return _listed(portal, request)

    @router.get("/doctors/{schedule}")
    @worded
    def one(request: Request, schedule: str) -> Response:
        signed = sessions.current(portal.auth, request)
        found, days, following = times(portal, request, schedule)
        context = {
            "doctor": found,
            "days": days,
            "following": following,
            "moving": request.query_params.get("moving", ""),
        }
        return show(portal, request, signed, "doctor.html", context)

    return router


def _listed(portal: Portal, request: Request) -> Response:
    signed = sessions.current(portal.auth, request)
    chosen = {name: request.query_params.get(name, "") for name in ("specialty", "language")}
    cut = Pages(request, PAGE).cut

    def work(repository: Repository) -> tuple[Sequence[Doctor], Part[Doctor]]:
        every = doctors(repository)
        fitting = [each for each in every if _fits(each, **chosen)]
        return every, cut(soonest(repository, fitting))

    every, pages = look(portal, signed, "Schedule", work)
    spoken = {name for each in every for name in each.languages.split(", ") if name}
    context = {
        "doctors": pages.items,
        "pages": pages,
        "specialties": sorted({each.specialty for each in every if each.specialty}),
        "languages": sorted(spoken),
        **chosen,
    }
    return show(portal, request, signed, "doctors.html", context)


HOMES = {"practitioner": "/day", "administrator": "/admin"}


def times(
    portal: Portal, request: Request, schedule: str
) -> tuple[Doctor, list[tuple[date, list[Resource]]], str]:
    """Return the doctor, a week's free slots by day in the viewer's zone, and the next week's first day."""
    signed = sessions.current(portal.auth, request)
    zone = preferences.of(portal, signed).zone
    now = datetime.now(UTC)
    start = max(_day(request.query_params.get("from", ""), now), now)

    def work(repository: Repository) -> tuple[Doctor, list[Resource]]:
        found = doctor(repository, records.read(repository, "Schedule", schedule))
        if found is None:
            raise missing()
        return found, slots.free(repository, [found.offer], start, start + WEEK, LONGEST_LIST)

    try:
        shown, free = look(portal, signed, "Slot", work, schedule)
    except FHIRError:
        raise missing() from None
    days: dict[date, list[Resource]] = {}
    for slot in free:
        days.setdefault(moment(slot["start"]).astimezone(zone).date(), []).append(slot)
    after = start + WEEK
    following = f"{after:%Y-%m-%d}" if after < now + slots.AHEAD else ""
    return shown, list(days.items()), following


def doctors(repository: Repository) -> list[Doctor]:
    """Return who can be booked, without their times."""
    schedules = records.find(repository, "Schedule", ("active", "true"))
    bookable = [(each, offer) for each in schedules if (offer := offered(each))]
    ids = ",".join({offer.practitioner.rpartition("/")[2] for _, offer in bookable})
    listed = records.find(repository, "Practitioner", ("_id", ids)) if ids else []
    people = {f"Practitioner/{each['id']}": each for each in listed}
    fees = {offer.fee: _fee(repository, offer) for _, offer in bookable}
    return [
        _doctor(people[offer.practitioner], each, offer, fees[offer.fee])
        for each, offer in bookable
        if offer.practitioner in people
    ]


def soonest(repository: Repository, listed: Sequence[Doctor]) -> Iterator[Doctor]:
    """Yield them with their first free time, who is free first before the others, who has none at the end."""
    left = {each.offer.schedule: each for each in listed}
    now = datetime.now(UTC)
    offers = [each.offer for each in left.values()]
    # Whoever is not among the earliest times is free later than all who are.
    while free := slots.free(repository, offers, now, now + SOON, EARLIEST):
        for slot in free:
            if found := left.pop(slots.schedule_of(slot), None):
                yield replace(found, free=slot)
        offers = [each.offer for each in left.values()]
    yield from sorted(left.values(), key=lambda each: each.name)


def doctor(repository: Repository, schedule: Resource) -> Doctor | None:
    """Return whose schedule it is; None when nobody can be booked by it."""
    offer = offered(schedule)
    if offer is None or not offer.practitioner.startswith("Practitioner/"):
        return None
    person = records.read(repository, "Practitioner", offer.practitioner.rpartition("/")[2])
    return _doctor(person, schedule, offer, _fee(repository, offer))


def _fee(repository: Repository, offer: Offer) -> str:
    try:
        amount = taking.price(repository, offer)
    except Conflict:
        return ""
    return _shown(amount) if amount else ""


def _doctor(
    person: Resource,
    schedule: Resource,
    offer: Offer,
    fee: str,
) -> Doctor:
    spoken = [concept(each.get("coding") and each) for each in person.get("communication", [])]
    learned = person.get("qualification", [])
    return Doctor(
        id=person["id"],
        name=name_of(person),
        resource=person,
        specialty=concept(schedule.get("specialty", [])),
        languages=", ".join(filter(None, spoken)),
        biography=extensions.text(person, "biography"),
        qualification=", ".join(filter(None, (concept(each.get("code")) for each in learned))),
        offer=offer,
        fee=fee,
    )


def _shown(money: Mapping[str, Any]) -> str:
    currency = str(money["currency"])
    return shown(minor(Decimal(str(money["value"])), currency), currency)


def _fits(doctor: Doctor, specialty: str, language: str) -> bool:
    return (not specialty or doctor.specialty == specialty) and (
        not language or language in doctor.languages.split(", ")
    )


def _day(text: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return otherwise
