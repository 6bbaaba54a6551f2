"""A slot is chosen for an appointment, held, and let go again: what each step of booking does to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_server import extensions
from fhir_server.codec import Resource
from fhir_server.errors import Conflict
from fhir_server.instants import instant, moment
from fhir_server.repository import Repository
from fhir_server.scheduling import appointments, records, slots
from fhir_server.scheduling.offer import Offer, offer_of
from fhir_server.scheduling.people import name_of

OFFERED = 3
"""Other times that are named to who came too late."""
MOST_OPEN = 6
"""Requests and waits of one patient that are neither booked nor ended."""


def asked_for(status: str, patient: str, person: Resource, offer: Offer, comment: str) -> Resource:
    """Return an Appointment with who offers it that the patient has asked for, without a time."""
    at_once = offer.booking != "approve"
    appointment: Resource = {
        "resourceType": "Appointment",
        "meta": extensions.claiming("appointment"),
        "status": status,
        "serviceType": [{"text": offer.service}],
        "created": instant(_now(), "milliseconds"),
        **({"comment": comment} if comment else {}),
        "participant": [
            _participant(patient, name_of(person), "accepted"),
            _participant(offer.practitioner, offer.name, "accepted" if at_once else "needs-action"),
        ],
    }
    schedule = {"valueReference": {"reference": f"Schedule/{offer.schedule}"}}
    extensions.put(appointment, appointments.SCHEDULE, schedule)
    return appointment


def free_slot(server: Repository, slot_id: str) -> tuple[Resource, Offer]:
    """Return the slot, which nobody else takes until the transaction ends; Conflict when it is not free."""
    slot = records.held(server, "Slot", slot_id)
    if slot is None:
        raise Conflict(
            f"There is no Slot/{slot_id} any more. Choose another time.", reason="slot-gone"
        )
    offer = offer_of(records.read(server, "Schedule", slots.schedule_of(slot)))
    free = slot["status"] == "free" and slots.without_taken(server, [slot], {offer.schedule: offer})
    if not free:
        raise Conflict(
            f"This time is no longer free.{_others(server, offer, slot)}",
            "Slot.status",
            reason="slot-taken",
        )
    if moment(slot["start"]) < _now() + timedelta(hours=offer.notice_hours):
        raise Conflict(
            f"This time is too soon.{_others(server, offer, slot)}", "Slot.start", reason="too-soon"
        )
    return slot, offer


def take(
    server: Repository, appointment: Resource, slot: Resource, offer: Offer, until: datetime
) -> None:
    """Give the appointment the slot, at its price of now, held until then."""
    if cost := price(server, offer):
        extensions.put(appointment, appointments.FEE, {"valueMoney": cost})
        extensions.put(appointment, appointments.PAYMENT, {"valueCode": "open"})
    place(appointment, slot)
    appointments.hold(appointment, until)
    mark_slot(server, slot, "busy")


def let_go(server: Repository, appointment: Resource) -> None:
    """Let the appointment's slots be booked again."""
    for each in appointment.get("slot", []):
        slot = records.held(server, "Slot", each["reference"].rpartition("/")[2])
        if slot is not None and slot["status"] == "busy":
            mark_slot(server, slot, "free")


def refuse_many(server: Repository, patient: str) -> None:
    """Nobody keeps others from booking by asking for all there is."""
    waiting = ("status", "proposed,pending,waitlist")
    open_ = records.first(server, MOST_OPEN, "Appointment", ("patient", patient), waiting)
    if len(open_) == MOST_OPEN:
        raise Conflict(
            f"There are {MOST_OPEN} requests of this patient that are not settled yet. Confirm, pay "
            "or withdraw one of them first.",
            "patient",
            reason="too-many-open",
        )


def price(server: Repository, offer: Offer) -> dict[str, Any] | None:
    """Return the Money of the fee's ChargeItemDefinition; None when nothing is charged."""
    if not offer.fee:
        return None
    found = records.find(server, "ChargeItemDefinition", ("url", offer.fee), ("status", "active"))
    for definition in found:
        for group in definition.get("propertyGroup", []):
            for component in group.get("priceComponent", []):
                if component.get("type") == "base" and "amount" in component:
                    amount: dict[str, Any] = component["amount"]
                    return amount
    raise Conflict(f"The fee {offer.fee} of Schedule/{offer.schedule} is not defined here.")


def _others(server: Repository, offer: Offer, slot: Resource) -> str:
    """Return a sentence with the next free times."""
    start = max(moment(slot["start"]), _now())
    found = slots.free(server, [offer], start, start + slots.AHEAD, OFFERED)
    if not found:
        return " There is no other free time in the next four weeks."
    times = [moment(each["start"]).astimezone(offer.zone) for each in found]
    listed = ", ".join(f"{each:%a %d %b %H:%M}" for each in times)
    return f" The next free times are {listed} ({offer.zone.key} time)."


def place(appointment: Resource, slot: Resource) -> None:
    start, end = moment(slot["start"]), moment(slot["end"])
    appointment |= {
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["start"],
        "end": slot["end"],
        "minutesDuration": int((end - start).total_seconds() // 60),
    }


def mark_slot(server: Repository, slot: Resource, status: str) -> None:
    records.save(server, slot | {"status": status})


def _participant(reference: str, name: str, status: str) -> dict[str, Any]:
    actor = {"reference": reference, **({"display": name} if name else {})}
    return {"actor": actor, "status": status}


def _now() -> datetime:
    return datetime.now(UTC)
