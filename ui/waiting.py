"""Waiting for a time with a doctor whose free times do not suit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from fhir_server.codec import Resource
from fhir_server.errors import Conflict, InvalidParameter
from fhir_server.repository import Repository
from fhir_server.scheduling import slots, waiting
from fhir_server.scheduling.offer import offer_of
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from smart_auth.wording import later
from ui import preferences
from ui.pages import show
from ui.portal import Portal, change, found, only
from ui.refusals import told
from ui.visits import LONGEST_COMMENT, PATIENTS, own_patients

Sent = Annotated[Form, Depends(form)]
Errors = Mapping[str, str]


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/doctors/{schedule}/wait")
    @worded
    def ask(request: Request, schedule: str) -> Response:
        signed = only(sessions.required(portal.auth, request), *PATIENTS)
        today = datetime.now(preferences.of(portal, signed).zone).date()
        values = {"from": f"{today}", "until": f"{today + slots.AHEAD}"}
        return _page(portal, request, signed, schedule, values)

    @router.post("/doctors/{schedule}/wait")
    @worded
    def join(request: Request, schedule: str, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *PATIENTS)
        zone = preferences.of(portal, signed).zone
        span, errors = _span(form, zone)
        if span is None:
            return _page(portal, request, signed, schedule, form, errors)
        try:
            made = change(portal, signed, "Appointment", _joining(signed, schedule, form, span))
        except InvalidParameter:
            errors = {"until": later("The days have to lie within the next six months.")}
            return _page(portal, request, signed, schedule, form, errors)
        except Conflict as refusal:
            return _page(portal, request, signed, schedule, form, {"": told(refusal)}, 409)
        return RedirectResponse(f"/visits/{made['id']}", 303)

    return router


def _joining(
    signed: Signed, schedule: str, form: Form, span: tuple[datetime, datetime]
) -> Callable[[Repository], Resource]:
    patient = form.get("patient") or signed.account.fhir_user
    comment = form.get("comment", "").strip()[:LONGEST_COMMENT]
    return lambda repository: waiting.join(repository, schedule, patient, *span, comment)


def _page(
    portal: Portal,
    request: Request,
    signed: Signed,
    schedule: str,
    values: Form,
    errors: Errors | None = None,
    status: int = 422,
) -> Response:
    context = {
        "offer": offer_of(found(portal, signed, "Schedule", schedule)),
        "patients": own_patients(portal, signed),
        "values": values,
        "errors": errors or {},
    }
    return show(portal, request, signed, "wait.html", context, status=status if errors else 200)


def _span(form: Form, zone: ZoneInfo) -> tuple[tuple[datetime, datetime] | None, Errors]:
    """Return the instants from the first day's beginning to the last day's end, or what is wrong."""
    days, errors = {}, {}
    for name in ("from", "until"):
        try:
            days[name] = date.fromisoformat(form.get(name, ""))
        except ValueError:
            errors[name] = later("Choose a day.")
    if errors:
        return None, errors
    if days["until"] < max(days["from"], datetime.now(zone).date()):
        return None, {
            "until": later("The last day has to be today or later, and not before the first.")
        }
    first = datetime.combine(days["from"], time(0), zone)
    last = datetime.combine(days["until"] + timedelta(days=1), time(0), zone)
    return (first.astimezone(UTC), last.astimezone(UTC)), {}
