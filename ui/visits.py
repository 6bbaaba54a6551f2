"""Booking and visits of a patient: choose, confirm, pay, move, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import SQLAlchemyError

from billing import payments
from billing.money import minor, shown
from billing.provider import ProviderDown
from fhir_server import extensions
from fhir_server.codec import Resource
from fhir_server.errors import Conflict, FHIRError
from fhir_server.instants import instant, moment
from fhir_server.repository import Repository
from fhir_server.scheduling import appointments, booking, records, slots, taking, waiting
from fhir_server.scheduling.offer import Offer, offer_of
from fhir_server.scheduling.people import name_of
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import Stop, worded
from smart_auth.sessions import Signed
from smart_auth.wording import later, say
from ui import paper, preferences
from ui.pages import served, show, when
from ui.portal import Portal, change, found, look, missing, only
from ui.refusals import told

PATIENTS = ("patient", "related-person")
Sent = Annotated[Form, Depends(form)]
LONGEST_COMMENT = 1000
EARLY, LATE = timedelta(minutes=15), timedelta(minutes=30)
ASKED = ("proposed", "waitlist")
GROUPS = (
    (later("Waiting for you"), ("pending",)),
    (later("Asked for"), ASKED),
    (later("Booked"), ("booked", "arrived", "checked-in")),
    (later("Past"), ("fulfilled", "noshow", "cancelled")),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment as pages show it."""

    resource: Resource
    doctor: str
    patient: str
    fee: str
    payment: str
    held_until: str
    schedule: str

    @property
    def id(self) -> str:
        return str(self.resource["id"])

    @property
    def patient_id(self) -> str:
        return appointments.actor(self.resource, "Patient").rpartition("/")[2]

    @property
    def status(self) -> str:
        return str(self.resource["status"])

    @property
    def start(self) -> str:
        return str(self.resource.get("start", ""))

    @property
    def wished(self) -> waiting.Wish | None:
        """Return the start and the end of the time in which a waiting patient wishes for a visit."""
        return waiting.wished(self.resource)

    @property
    def room(self) -> str:
        """Return where the visit takes place, while it can be entered."""
        return appointments.room(self.resource) if is_near(self.resource) else ""

    @property
    def is_chosen(self) -> bool:
        """Tell whether the patient has yet to say that they want it."""
        return appointments.participant(self.resource, "Patient").get("status") == "tentative"


def is_near(appointment: Resource) -> bool:
    """Tell whether the visit may be entered: from EARLY before it until LATE after its end."""
    if appointment["status"] not in ("booked", "arrived", "checked-in") or "end" not in appointment:
        return False
    now = datetime.now(UTC)
    return moment(appointment["start"]) - EARLY <= now <= moment(appointment["end"]) + LATE


def visit_of(appointment: Resource) -> Visit:
    cost = appointments.fee(appointment)
    return Visit(
        resource=appointment,
        doctor=_display(appointment, "Practitioner"),
        patient=_display(appointment, "Patient"),
        fee=shown(minor(*cost), cost[1]) if cost else "",
        payment=appointments.payment(appointment),
        held_until=extensions.text(appointment, "held-until"),
        schedule=appointments.schedule(appointment),
    )


def _display(appointment: Resource, type_: str) -> str:
    actor = appointments.participant(appointment, type_).get("actor", {})
    return str(actor.get("display") or actor.get("reference", ""))


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_booking(router, portal)
    _add_lists(router, portal)
    _add_changes(router, portal)
    _add_payment(router, portal)
    return router


def _add_booking(router: APIRouter, portal: Portal) -> None:
    @router.get("/book/{slot}")
    @worded
    def ask(request: Request, slot: str) -> Response:
        """Lead here from a doctor's page; who is not signed in comes back to it afterwards."""
        signed = only(sessions.required(portal.auth, request), *PATIENTS)
        resource = found(portal, signed, "Slot", slot)
        offer = offer_of(found(portal, signed, "Schedule", _id(resource["schedule"])))
        context = {
            "slot": resource,
            "offer": offer,
            "patients": own_patients(portal, signed),
            "fee": fee_of(portal, signed, offer),
        }
        return show(portal, request, signed, "book.html", context)

    @router.post("/book/{slot}")
    @worded
    def hold(request: Request, slot: str, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *PATIENTS)
        patient = form.get("patient") or signed.account.fhir_user
        comment = form.get("comment", "").strip()[:LONGEST_COMMENT]

        def work(repository: Repository) -> Resource:
            made = booking.hold(repository, slot, patient, comment)
            return booking.confirm(repository, made["id"]) if form.get("ask") else made

        try:
            made = change(portal, signed, "Appointment", work)
        except Conflict as refusal:
            raise _gone(portal, signed, slot, refusal) from None
        return RedirectResponse(f"/visits/{made['id']}", 303)


def _gone(portal: Portal, signed: Signed, slot: str, refusal: FHIRError) -> Stop:
    """Say that it cannot be had, and offer what can."""
    schedule, words = slot.rpartition("-")[0], told(refusal)
    link = ("/doctors", later("Find a doctor"))
    if schedule:
        link = (f"/doctors/{quote(schedule)}", later("See the free times"))
        words += f" {_next_times(portal, signed, schedule)}"
    return Stop(409, later("This time cannot be booked"), words, link=link)


def _next_times(portal: Portal, signed: Signed, schedule: str) -> str:
    """Return a sentence with the next free times, "" when there are none."""

    def work(repository: Repository) -> list[Resource]:
        offer = offer_of(records.read(repository, "Schedule", schedule))
        now = datetime.now(UTC)
        return slots.free(repository, [offer], now, now + slots.AHEAD, taking.OFFERED)

    try:
        free = look(portal, signed, "Slot", work, schedule)
    except FHIRError:
        return ""
    zone = preferences.of(portal, signed).zone
    listed = "; ".join(when(each["start"], zone) for each in free)
    return say("The next free times: %(times)s.", times=listed) if listed else ""


def _add_lists(router: APIRouter, portal: Portal) -> None:
    @router.get("/home")
    @worded
    def home(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *PATIENTS)
        listed = visits(portal, signed)
        coming = [each for each in listed if each.status in ("booked", "arrived", "checked-in")]
        following = next((each for each in coming if each.start >= _now()), None)
        context = {
            "next": following,
            "doctor": _doctor(portal, signed, following) if following else {},
            "to_do": [each for each in listed if each.status == "pending" or each.is_chosen],
            "asked": [each for each in listed if each.status in ASKED and not each.is_chosen],
            "later": coming[1:4],
        }
        return show(portal, request, signed, "home.html", context)

    @router.get("/visits")
    @worded
    def all_(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *PATIENTS)
        listed = visits(portal, signed)
        groups = [
            (title, [each for each in listed if each.status in statuses])
            for title, statuses in GROUPS
        ]
        past = groups[-1][1]
        past.reverse()
        return show(portal, request, signed, "visits.html", {"groups": groups})

    @router.get("/visits/{id_}")
    @worded
    def one(request: Request, id_: str) -> Response:
        signed = only(sessions.required(portal.auth, request), *PATIENTS)
        return visit_page(portal, request, signed, id_)


def visit_page(
    portal: Portal, request: Request, signed: Signed, id_: str, error: str = "", status: int = 200
) -> Response:
    visit = visit_of(found(portal, signed, "Appointment", id_))
    offer = None
    if visit.schedule:
        offer = offer_of(found(portal, signed, "Schedule", visit.schedule) | {"active": True})
    with portal.billing.engine.connect() as connection:
        paid = payments.listed(connection, id_)
    context = {
        "visit": visit,
        "offer": offer,
        "payments": paid,
        "error": error,
        "waits": request.query_params.get("paid") == "1" and visit.status == "pending",
        "demo": portal.billing.provider.name == "demo",
    }
    return show(portal, request, signed, "visit.html", context, status=status)


def _add_changes(router: APIRouter, portal: Portal) -> None:
    @router.post("/visits/{id_}/confirm")
    @worded
    def confirm(request: Request, id_: str, form: Sent) -> Response:
        return _step(portal, request, id_, form, lambda r: booking.confirm(r, id_))

    @router.post("/visits/{id_}/cancel")
    @worded
    def cancel(request: Request, id_: str, form: Sent) -> Response:
        words = form.get("reason", "").strip()[:LONGEST_COMMENT]
        return _step(portal, request, id_, form, lambda r: booking.cancel(r, id_, words))

    @router.post("/visits/{id_}/move/{slot}")
    @worded
    def move(request: Request, id_: str, slot: str, form: Sent) -> Response:
        return _step(portal, request, id_, form, lambda r: booking.reschedule(r, id_, slot))


def _add_payment(router: APIRouter, portal: Portal) -> None:
    @router.post("/visits/{id_}/pay")
    @worded
    def pay(request: Request, id_: str, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *PATIENTS)
        appointment = found(portal, signed, "Appointment", id_)
        back = f"{portal.auth.issuer}/visits/{id_}"
        try:
            link = payments.begin(portal.billing, appointment, signed.account.email, back)
        except Conflict as refusal:
            return visit_page(portal, request, signed, id_, told(refusal), 409)
        except (ProviderDown, SQLAlchemyError):
            words = later(
                "The payment service cannot be reached. Your time is still held; try again in a minute."
            )
            return visit_page(portal, request, signed, id_, words, 503)
        return show(portal, request, signed, "onwards.html", {"link": link})

    @router.get("/visits/{id_}/receipt/{payment}")
    @worded
    def receipt(request: Request, id_: str, payment: str) -> Response:
        signed = only(sessions.required(portal.auth, request), *PATIENTS)
        visit = visit_of(found(portal, signed, "Appointment", id_))
        with portal.billing.engine.connect() as connection:
            listed = payments.listed(connection, id_)
        line = next((each for each in listed if each.id == payment and each.paid), None)
        if line is None:
            raise missing()
        content = paper.pdf(
            "receipt_paper.html",
            payment=line,
            patient=visit.patient,
            when=when(visit.start, preferences.of(portal, signed).zone),
            demo=portal.billing.provider.name == "demo",
        )
        return served(content, "application/pdf", f"receipt-{line.paid:%Y-%m-%d}.pdf")


def _step(portal: Portal, request: Request, id_: str, form: Form, work: Any) -> Response:
    signed = only(sessions.own_form(portal.auth, request, form), *PATIENTS)
    try:
        change(portal, signed, "Appointment", work, id_)
    except Conflict as refusal:
        return visit_page(portal, request, signed, id_, told(refusal), 409)
    return RedirectResponse(f"/visits/{id_}", 303)


def visits(portal: Portal, signed: Signed) -> list[Visit]:
    """Return the person's appointments, and those of whom they care for, the earliest first."""

    def work(repository: Repository) -> list[Resource]:
        return records.find(repository, "Appointment", ("_sort", "date"))

    return [visit_of(each) for each in look(portal, signed, "Appointment", work)]


def _doctor(portal: Portal, signed: Signed, visit: Visit) -> Resource:
    """Return the practitioner of a visit; {} when another system knows them."""
    kind, _, id_ = appointments.actor(visit.resource, "Practitioner").partition("/")
    return found(portal, signed, "Practitioner", id_) if kind == "Practitioner" else {}


def own_patients(portal: Portal, signed: Signed) -> list[Mapping[str, str]]:
    """Return reference and name of whom the person may book for."""

    def work(repository: Repository) -> list[Resource]:
        return records.find(repository, "Patient")

    return [
        {"reference": f"Patient/{each['id']}", "name": name_of(each)}
        for each in look(portal, signed, "Patient", work)
    ]


def fee_of(portal: Portal, signed: Signed, offer: Offer) -> str:
    money = look(portal, signed, "ChargeItemDefinition", lambda r: taking.price(r, offer))
    if not money:
        return ""
    currency = str(money["currency"])
    return shown(minor(Decimal(str(money["value"])), currency), currency)


def _id(reference: Mapping[str, str]) -> str:
    return reference["reference"].rpartition("/")[2]


def _now() -> str:
    return instant(datetime.now(UTC))
