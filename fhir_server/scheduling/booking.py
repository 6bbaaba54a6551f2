"""How an appointment comes about, moves and ends: hold, confirm, reschedule, cancel, mark, expire.

Whoever asks needs a role that may and, when an app stands between, a scope for Appointment; what is
then written is the server's own doing, so nobody can write more than these steps do. Each step is
one transaction that the caller opens.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fhir_server import extensions
from fhir_server.codec import Resource
from fhir_server.errors import Conflict, Forbidden, InvalidParameter
from fhir_server.instants import moment
from fhir_server.repository import Repository
from fhir_server.scheduling import appointments, records, taking
from fhir_server.scheduling.appointments import PATIENT, PRACTITIONER, SERVER
from fhir_server.scheduling.offer import Offer, offer_of
from fhir_server.scheduling.records import trusted
from fhir_server.storage import occupied, resources

ROLES = {
    "patient": PATIENT,
    "related-person": PATIENT,
    "practitioner": PRACTITIONER,
    "administrator": SERVER,
    "system": SERVER,
    "open": SERVER,
}
PAYING = timedelta(minutes=30)
"""How long the time is held for a payment that was begun at once."""
_UNCONFIRMED = {
    "pending": "waits for its payment; a payment is what confirms it.",
    "waitlist": "has no time yet that could be confirmed.",
}
MOST_EXPIRED = 50


def hold(repository: Repository, slot_id: str, patient: str, comment: str = "") -> Resource:
    """Hold a slot for a patient, "Patient/1"; returns the Appointment.

    Conflict, with the next free times, when it is not free any more.
    """
    by = party(repository, "c")
    person = patient_of(repository, patient)
    server = trusted(repository)
    taking.refuse_many(server, patient)
    slot, offer = taking.free_slot(server, slot_id)
    appointment = taking.asked_for("proposed", patient, person, offer, comment)
    appointments.agree(appointment, "Patient", "tentative")
    if by == PRACTITIONER:
        appointments.agree(appointment, "Practitioner")
    taking.take(server, appointment, slot, offer, _now() + timedelta(minutes=offer.hold_minutes))
    return records.create(server, appointment)


def confirm(repository: Repository, id_: str, comment: str = "") -> Resource:
    """Say yes, as the patient who chose the time or as the practitioner who approves it."""
    by, appointment = _mine(repository, id_)
    if said := _UNCONFIRMED.get(appointment["status"]):
        raise Conflict(f"Appointment/{id_} {said}", "Appointment.status", reason="not-possible")
    if comment:
        appointment["comment"] = comment
    for who in {PATIENT: ("Patient",), PRACTITIONER: ("Practitioner",)}.get(
        by, ("Patient", "Practitioner")
    ):
        appointments.agree(appointment, who)
        _answer(trusted(repository), appointment, who, "accepted")
    return _settle(repository, appointment, by)


def paid(repository: Repository, id_: str) -> Resource:
    """Note that it is paid, and book it; Conflict when its time is no longer held for it."""
    server = trusted(repository)
    appointment = _held(server, id_)
    if appointment["status"] not in ("proposed", "pending"):
        raise Conflict(
            f"Appointment/{id_} is {appointment['status']}: it cannot be paid any more.",
            reason="not-payable",
        )
    extensions.put(appointment, appointments.PAYMENT, {"valueCode": "paid"})
    return _settle(server, appointment, SERVER)


def payment_is(repository: Repository, id_: str, status: str) -> Resource:
    """Show a payment's status on its appointment."""
    server = trusted(repository)
    appointment = _held(server, id_)
    extensions.put(appointment, appointments.PAYMENT, {"valueCode": status})
    return records.save(server, appointment)


def reschedule(repository: Repository, id_: str, slot_id: str) -> Resource:
    """Move it to another slot of the same practitioner; the old one is let go only with that."""
    by, appointment = _mine(repository, id_)
    server = trusted(repository)
    slot, offer = taking.free_slot(server, slot_id)
    if offer.practitioner != appointments.actor(appointment, "Practitioner"):
        raise Conflict(
            "The other time is another practitioner's; book that one and cancel this.",
            reason="other-practitioner",
        )
    before = appointment["status"]
    if before not in ("proposed", "pending", "booked"):
        raise Conflict(
            f"Appointment/{id_} is {before}: it cannot be moved any more.", reason="not-possible"
        )
    taking.let_go(server, appointment)
    taking.place(appointment, slot)
    taking.mark_slot(server, slot, "busy")
    if by == PATIENT and offer.booking == "approve":
        appointments.agree(appointment, "Practitioner", "needs-action")
    return _settle(server, appointment, by)


def cancel(repository: Repository, id_: str, words: str = "", *, expired: bool = False) -> Resource:
    """End it before it takes place, and let its time go."""
    by, appointment = (
        (SERVER, _held(trusted(repository), id_)) if expired else _mine(repository, id_)
    )
    if by == PATIENT and "start" in appointment and moment(appointment["start"]) <= _now():
        raise Conflict(
            f"Appointment/{id_} has begun: it cannot be cancelled any more.", reason="begun"
        )
    code = "expired" if expired else _reason(appointment, by)
    appointments.move(appointment, "cancelled", by)
    appointment["cancelationReason"] = appointments.cancelled_for(code, words)
    appointments.hold(appointment, None)
    server = trusted(repository)
    if code == "rejected":
        appointments.agree(appointment, "Practitioner", "declined")
        _answer(server, appointment, "Practitioner", "declined")
    taking.let_go(server, appointment)
    appointment.pop("slot", None)
    return records.save(server, appointment)


def mark(repository: Repository, id_: str, status: str) -> Resource:
    """Say that the patient has arrived, was seen (fulfilled) or did not come (noshow)."""
    if status not in ("arrived", "checked-in", "fulfilled", "noshow"):
        raise InvalidParameter(f"status: {status!r} is not arrived, checked-in, fulfilled, noshow.")
    by, appointment = _mine(repository, id_)
    appointments.move(appointment, status, by)
    return records.save(trusted(repository), appointment)


def expire(repository: Repository) -> int:
    """Cancel what was not confirmed or paid while its time was held; returns how many. As the server."""
    keys = occupied.run_out(repository.connection, MOST_EXPIRED)
    # Locked first: another server may have cancelled it meanwhile.
    locked = map(records.resource_of, resources.lock(repository.connection, keys))
    found = [each for each in locked if each["status"] in ("proposed", "pending")]
    for appointment in found:
        cancel(repository, appointment["id"], expired=True)
    return len(found)


def refund_share(appointment: Resource, offer: Offer, at: datetime) -> int:
    """Return how many hundredths of the fee go back when it is cancelled at that time."""
    if appointments.reason(appointment) not in ("cancelled", "withdrawn"):
        return 100
    in_time = moment(appointment["start"]) - at >= timedelta(hours=offer.free_hours)
    return 100 if in_time else 100 - int(offer.percent)


# Within


def _answer(server: Repository, appointment: Resource, type_: str, status: str) -> None:
    """Keep who has said what: https://hl7.org/fhir/R4/appointmentresponse.html."""
    actor = appointments.participant(appointment, type_).get("actor")
    if actor:
        response: Resource = {
            "resourceType": "AppointmentResponse",
            "appointment": {"reference": f"Appointment/{appointment['id']}"},
            **{name: appointment[name] for name in ("start", "end") if name in appointment},
            "actor": actor,
            "participantStatus": status,
        }
        records.create(server, response)


def _settle(repository: Repository, appointment: Resource, by: str) -> Resource:
    """Give it the status that participants and payment make, and hold its time as long as that takes."""
    server = trusted(repository)
    status = appointments.next_status(appointment)
    appointments.move(appointment, status, by)
    appointments.hold(appointment, _until(server, appointment))
    if status == "booked" and appointments.schedule(appointment):
        appointments.meet(appointment, offer_for(server, appointment).meeting)
    return records.save(server, appointment)


def _until(repository: Repository, appointment: Resource) -> datetime | None:
    status, start = appointment["status"], moment(appointment["start"])
    if status not in ("proposed", "pending"):
        return None
    offer = offer_for(repository, appointment)
    if status == "proposed":
        return min(start, _now() + timedelta(hours=offer.request_hours))
    if offer.booking == "approve":
        return min(start, _now() + timedelta(hours=offer.payment_hours))
    return min(start, _now() + PAYING)


def offer_for(repository: Repository, appointment: Resource) -> Offer:
    """Return what the appointment was booked under."""
    id_ = appointments.schedule(appointment)
    if not id_:
        raise Conflict(f"Appointment/{appointment['id']} was not made here: change it by PUT.")
    return offer_of(records.read(trusted(repository), "Schedule", id_) | {"active": True})


def party(repository: Repository, letter: str) -> str:
    """Return whom the principal acts as; Forbidden when neither role nor app's scopes let them."""
    policy = repository.policy
    if policy.unrestricted:
        return SERVER
    policy.fitting("Appointment", letter)
    if policy.principal.role not in ROLES:
        raise Forbidden(f"The role {policy.principal.role!r} books no appointments.")
    return ROLES[policy.principal.role]


def _mine(repository: Repository, id_: str) -> tuple[str, Resource]:
    """Return whom the principal acts as, and the appointment, if it is one of theirs."""
    by = party(repository, "u")
    records.read(repository, "Appointment", id_)
    appointment = _held(trusted(repository), id_)
    user = repository.policy.principal.user
    if by == PRACTITIONER and not any(
        each.get("actor", {}).get("reference") == user for each in appointment["participant"]
    ):
        raise Forbidden(f"Appointment/{id_} is with another practitioner.")
    return by, appointment


def _held(server: Repository, id_: str) -> Resource:
    found = records.held(server, "Appointment", id_)
    if found is None:
        raise Conflict(f"There is no Appointment/{id_} any more.", reason="not-possible")
    return found


def _reason(appointment: Resource, by: str) -> str:
    asked = appointment["status"] in ("proposed", "waitlist")
    if by == PATIENT:
        return "withdrawn" if asked else "cancelled"
    return "rejected" if asked else "cancelled-by-practice"


def patient_of(repository: Repository, reference: str) -> Resource:
    """Read the Patient whose reference it is; InvalidParameter when it is no such reference."""
    kind, _, id_ = reference.rpartition("/")
    if kind != "Patient" or not id_:
        raise InvalidParameter(f"patient: write Patient/id, not {reference!r}.", "patient")
    return records.read(repository, kind, id_)


def _now() -> datetime:
    return datetime.now(UTC)
