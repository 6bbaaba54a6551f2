"""The waiting list: who wishes for a time within a period gets the next one that becomes free.

An Appointment of status `waitlist` has a requestedPeriod and no time. The first in line is offered a time:
it becomes `proposed`, its time held as any other; when it is not taken, the next in line is offered it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from fhir_server.codec import Resource
from fhir_server.errors import Conflict, InvalidParameter
from fhir_server.instants import instant, moment
from fhir_server.repository import Repository
from fhir_server.scheduling import appointments, booking, records, slots, taking
from fhir_server.scheduling.appointments import SERVER
from fhir_server.scheduling.offer import Offer, offer_of, offered
from fhir_server.scheduling.records import trusted
from fhir_server.search.types.date import span, storable
from fhir_server.storage import occupied

FARTHEST = timedelta(days=180)
_FREE = slots.AHEAD // timedelta(minutes=15)
"""All that a schedule can have: no slot is shorter."""
Wish = tuple[datetime, datetime]


def join(
    repository: Repository,
    schedule: str,
    patient: str,
    start: datetime,
    end: datetime,
    comment: str = "",
) -> Resource:
    """Put a patient, "Patient/1", on the list of a Schedule; returns the Appointment.

    Conflict when a time of the period is free, or the patient is on the list already. Needs a transaction.
    """
    booking.party(repository, "c")
    person = booking.patient_of(repository, patient)
    server = trusted(repository)
    offer = offer_of(records.read(repository, "Schedule", schedule))
    start = max(start, _now())
    if not start < end <= _now() + FARTHEST:
        raise InvalidParameter(
            f"The period has to end after it begins and within {FARTHEST.days} days from now.",
            "end",
        )
    taking.refuse_many(server, patient)
    _refuse_second(server, schedule, patient)
    if free := slots.free(server, [offer], start, end, 1):
        time = moment(free[0]["start"]).astimezone(offer.zone)
        raise Conflict(
            f"There is a free time already: {time:%a %d %b %H:%M} ({offer.zone.key} time). Book it.",
            reason="free-already",
        )
    appointment = taking.asked_for("waitlist", patient, person, offer, comment)
    appointment["requestedPeriod"] = [{"start": instant(start), "end": instant(end)}]
    return records.create(server, appointment)


def matches(repository: Repository) -> list[tuple[str, str]]:
    """Return the ids of who waits and of the Slot to offer them, by who came first. As the server."""
    found: list[tuple[str, str]] = []
    for schedule, line in _lines(repository).items():
        offer = offered(records.read(repository, "Schedule", schedule))
        if offer is None:
            continue
        free = slots.free(repository, [offer], _now(), _now() + slots.AHEAD, _FREE)
        for waiting, wish in line:
            slot = next(_fitting(repository, waiting, wish, free), None)
            if slot is not None:
                free.remove(slot)
                found.append((waiting["id"], slot["id"]))
    return found


def offer_slot(repository: Repository, id_: str, slot_id: str) -> Resource:
    """Hold the slot for who waits; Conflict when either is not there any more. As the server."""
    appointment = records.held(repository, "Appointment", id_)
    if appointment is None or appointment["status"] != "waitlist":
        raise Conflict(f"Appointment/{id_} does not wait any more.", reason="not-possible")
    slot, offer = taking.free_slot(repository, slot_id)
    appointments.move(appointment, "proposed", SERVER)
    appointments.agree(appointment, "Patient", "tentative")
    taking.take(repository, appointment, slot, offer, _held_until(slot, offer))
    return records.save(repository, appointment)


def end_next(repository: Repository) -> bool:
    """Take off the list one whose period is over; False when there is none. As the server."""
    now = _now()
    over = next((each for each, (_, end) in _waiting(repository) if end <= now), None)
    if over is None:
        return False
    booking.cancel(repository, over["id"], "No time became free", expired=True)
    return True


def wished(waiting: Resource) -> Wish | None:
    """Return from when until when a time is wished for; None when another system does not say it whole.

    As written by whoever made it: in any zone, or a day, which is one of UTC.
    """
    period: dict[str, str] = next(iter(waiting.get("requestedPeriod", [])), {})
    start, end = (span(period.get(name, "")) for name in ("start", "end"))
    if start is None or end is None:
        return None
    return storable(start[0]), storable(end[1]).replace(microsecond=0)


# Within


def _waiting(repository: Repository) -> Sequence[tuple[Resource, Wish]]:
    """Return who waits, the first in line first."""
    found = records.find(repository, "Appointment", ("status", "waitlist"))
    line = sorted(found, key=lambda each: (each.get("created", ""), each["id"]))
    ours = (each for each in line if appointments.schedule(each))
    return [(each, wish) for each in ours if (wish := wished(each))]


def _lines(repository: Repository) -> dict[str, list[tuple[Resource, Wish]]]:
    by_schedule: dict[str, list[tuple[Resource, Wish]]] = {}
    for each, wish in _waiting(repository):
        by_schedule.setdefault(appointments.schedule(each), []).append((each, wish))
    return by_schedule


def _fitting(
    repository: Repository, waiting: Resource, wish: Wish, free: Iterable[Resource]
) -> Iterator[Resource]:
    """Yield the slots within what is wished for in which the patient has no other appointment."""
    start, end = wish
    patient = appointments.actor(waiting, "Patient")
    for slot in free:
        begins, ends = moment(slot["start"]), moment(slot["end"])
        within = start <= begins and ends <= end
        if within and not occupied.taken(repository.connection, [patient], begins, ends):
            yield slot


def _refuse_second(server: Repository, schedule: str, patient: str) -> None:
    listed = records.find(server, "Appointment", ("patient", patient), ("status", "waitlist"))
    if any(appointments.schedule(each) == schedule for each in listed):
        raise Conflict(
            "This patient is on the waiting list already.", "patient", reason="waiting-already"
        )


def _held_until(slot: Resource, offer: Offer) -> datetime:
    """Return the end of the offer: there has to be time for the next in line as well."""
    half_way = (moment(slot["start"]) - _now()) / 2
    return _now() + min(timedelta(hours=offer.offer_hours), half_way)


def _now() -> datetime:
    return datetime.now(UTC)
