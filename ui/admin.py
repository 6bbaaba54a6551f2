"""What an administrator sees: the practice's people, visits, payments and mails; nothing clinical."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import func, select

from billing import payments
from billing.tables import payment
from fhir_server.channels import mail
from fhir_server.channels.tables import mail as mails
from fhir_server.codec import Resource
from fhir_server.errors import Conflict
from fhir_server.extensions import claiming
from fhir_server.repository import Repository
from fhir_server.scheduling import booking, records
from fhir_server.validation.local import PAYMENT_STATUSES
from smart_auth import accounts, recovery, sessions
from smart_auth.accounts import Refused
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from smart_auth.tables import account
from smart_auth.wording import later
from ui import doctors
from ui.pages import show
from ui.paging import Pages, Part
from ui.portal import Portal, change, found, look, only
from ui.refusals import told
from ui.visits import visit_of

ADMINISTRATORS = ("administrator",)
Sent = Annotated[Form, Depends(form)]
PAGE = 100
PICK = "pick-"
"""Before an id: the name of its box in a form."""
STATUSES = ("", "waitlist", "proposed", "pending", "booked", "fulfilled", "noshow", "cancelled")


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_people(router, portal)
    _add_lists(router, portal)
    _add_books(router, portal)
    return router


def _add_people(router: APIRouter, portal: Portal) -> None:
    @router.get("/admin")
    @worded
    def practice(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *ADMINISTRATORS)
        return _practice(portal, request, signed)

    @router.post("/admin/invite")
    @worded
    def invite(request: Request, form: Sent) -> Response:
        """Invite a practitioner: the record, the account and the mail in one step."""
        signed = only(sessions.own_form(portal.auth, request, form), *ADMINISTRATORS)
        errors = {
            name: words
            for name, words in (
                ("given", later("Write the given name.")),
                ("family", later("Write the family name.")),
            )
            if not form.get(name, "").strip()
        }
        if not errors:
            try:
                _invite(portal, signed, form)
            except Refused as refused:
                errors = {refused.field or "email": str(refused)}
        if errors:
            return _practice(portal, request, signed, form, errors, 422)
        return RedirectResponse("/admin?done=invited", 303)


def _practice(
    portal: Portal,
    request: Request,
    signed: Signed,
    values: Form | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    with portal.auth.engine.connect() as connection:
        counted: dict[str, int] = dict(
            connection.execute(select(account.c.role, func.count()).group_by(account.c.role))
            .tuples()
            .all()
        )
        context = {
            "accounts": counted,
            "due": _count(connection, payment.c.status == "open"),
            "waiting": _count(connection, mails.c.sent.is_(None) & mails.c.failed.is_(None)),
            "failed": _count(connection, mails.c.failed.is_not(None)),
            **look(portal, signed, "Schedule", _bookable),
            "values": values or {},
            "errors": errors or {},
            "note": later("The invitation is on its way.")
            if request.query_params.get("done")
            else "",
        }
    return show(portal, request, signed, "admin.html", context, status=status)


def _bookable(repository: Repository) -> dict[str, Any]:
    """Return who can be booked, and which practitioners cannot."""
    listed = list(doctors.soonest(repository, doctors.doctors(repository)))
    known = {each.id for each in listed}
    people = records.find(repository, "Practitioner", ("active", "true"))
    return {"doctors": listed, "unbooked": [each for each in people if each["id"] not in known]}


def _count(connection: Any, condition: Any) -> int:
    return int(connection.execute(select(func.count()).where(condition)).scalar_one())


def _invite(portal: Portal, signed: Signed, form: Form) -> None:
    given, family = form["given"].strip()[:100], form["family"].strip()[:100]
    person = {
        "resourceType": "Practitioner",
        "meta": claiming("practitioner"),
        "active": True,
        "name": [{"given": [given], "family": family, "prefix": ["Dr."]}],
    }
    accounts.refuse_email(form.get("email", ""))
    made = change(portal, signed, "Practitioner", lambda r: records.create(r, person))
    user = f"Practitioner/{made['id']}"
    with portal.auth.engine.begin() as connection:
        invited = accounts.create(
            connection, form.get("email", ""), "practitioner", user, f"Dr. {given} {family}"
        )
        recovery.invite(connection, portal.auth, invited)


def _add_lists(router: APIRouter, portal: Portal) -> None:
    @router.get("/admin/visits")
    @worded
    def visits(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *ADMINISTRATORS)
        return _visits(portal, request, signed)

    @router.post("/admin/visits")
    @worded
    def cancel(request: Request, form: Sent) -> Response:
        """Cancel those that are ticked, once it was said again that they are meant."""
        signed = only(sessions.own_form(portal.auth, request, form), *ADMINISTRATORS)
        ids = picked(form)
        if not ids:
            return _visits(
                portal, request, signed, later("Tick the visits that are meant first."), 422
            )
        if not form.get("sure"):
            meant = [visit_of(found(portal, signed, "Appointment", each)) for each in ids]
            context = {"visits": meant, "pick": PICK, "values": {}, "errors": {}}
            return show(portal, request, signed, "admin_cancel.html", context)
        words = form.get("reason", "").strip()[:300]
        refused = [said for each in ids if (said := _cancelled(portal, signed, each, words))]
        if refused:
            return _visits(portal, request, signed, " ".join(refused), 409)
        return RedirectResponse("/admin/visits?done=1", 303)


def _cancelled(portal: Portal, signed: Signed, id_: str, words: str) -> str:
    """Cancel one visit; returns why it was not, "" when it was."""
    try:
        change(portal, signed, "Appointment", lambda r: booking.cancel(r, id_, words), id_)
    except Conflict as refusal:
        return told(refusal)
    return ""


def _add_books(router: APIRouter, portal: Portal) -> None:
    @router.get("/admin/payments")
    @worded
    def paid(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *ADMINISTRATORS)
        pages, wanted = Pages(request, PAGE), one_of(PAYMENT_STATUSES, request, "status")
        with portal.billing.engine.connect() as connection:
            listed = pages.cut(payments.listed(connection, status=wanted, most=pages.reach))
        context = {
            "payments": listed.items,
            "pages": listed,
            "provider": portal.billing.provider.name,
            "statuses": PAYMENT_STATUSES,
            "chosen": wanted,
        }
        return show(portal, request, signed, "admin_payments.html", context)

    @router.get("/admin/mails")
    @worded
    def outbox(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *ADMINISTRATORS)
        pages, wanted = Pages(request, PAGE), one_of(mail.STATES, request, "state")
        with portal.auth.engine.connect() as connection:
            newest = pages.cut(mail.newest(connection, pages.reach, wanted))
        context = {
            "mails": newest.items,
            "pages": newest,
            "states": mail.STATES,
            "chosen": wanted,
        }
        return show(portal, request, signed, "admin_mails.html", context)

    @router.post("/admin/mails/{id_}/resend")
    @worded
    def resend(request: Request, id_: str, form: Sent) -> Response:
        only(sessions.own_form(portal.auth, request, form), *ADMINISTRATORS)
        with portal.auth.engine.begin() as connection:
            mail.resend(connection, id_)
        return RedirectResponse("/admin/mails", 303)


def picked(form: Form) -> list[str]:
    """Return the ids whose boxes are ticked."""
    return [each.removeprefix(PICK) for each in form if each.startswith(PICK)]


def one_of(known: Sequence[str], request: Request, name: str) -> str:
    """Return what a filter of the address names; "" for none that is known."""
    wanted = request.query_params.get(name, "")
    return wanted if wanted in known else ""


def _visits(
    portal: Portal, request: Request, signed: Signed, error: str = "", status: int = 200
) -> Response:
    chosen = one_of(STATUSES, request, "status")
    criteria = [("status", chosen)] if chosen else []
    cut = Pages(request, PAGE).cut

    def work(repository: Repository) -> Part[Resource]:
        return cut(records.walk(repository, "Appointment", *criteria, ("_sort", "-date")))

    pages = look(portal, signed, "Appointment", work)
    context = {
        "visits": [visit_of(each) for each in pages.items],
        "pages": pages,
        "statuses": STATUSES,
        "chosen": chosen,
        "error": error,
        "note": later("Cancelled.") if request.query_params.get("done") and not error else "",
        "pick": PICK,
    }
    return show(portal, request, signed, "admin_visits.html", context, status=status)
