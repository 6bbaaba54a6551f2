"""A practitioner's day and week: requests to say yes or no to, in blocks, and the visits by time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from fhir_server.codec import Resource
from fhir_server.errors import Conflict
from fhir_server.instants import instant
from fhir_server.repository import Repository
from fhir_server.scheduling import appointments, booking, records
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from ui import preferences
from ui.pages import show
from ui.portal import Portal, change, look, only
from ui.refusals import told
from ui.visits import Visit, visit_of

PRACTITIONERS = ("practitioner",)
Sent = Annotated[Form, Depends(form)]
SHOWN = ("pending", "booked", "arrived", "checked-in", "fulfilled", "noshow")


@dataclass(frozen=True, slots=True)
class Block:
    """Requests that follow each other without a gap: one click answers them all."""

    visits: Sequence[Visit]

    @property
    def ids(self) -> str:
        return ",".join(each.id for each in self.visits)


def blocks(asked: Sequence[Visit]) -> list[Block]:
    """Join requests that follow each other; they come by time."""
    found: list[list[Visit]] = []
    for each in asked:
        if found and found[-1][-1].resource.get("end") == each.start:
            found[-1].append(each)
        else:
            found.append([each])
    return [Block(each) for each in found]


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    _add_pages(router, portal)
    _add_steps(router, portal)
    return router


def _add_pages(router: APIRouter, portal: Portal) -> None:
    @router.get("/day")
    @worded
    def day(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *PRACTITIONERS)
        return _page(portal, request, signed)

    @router.get("/week")
    @worded
    def week(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *PRACTITIONERS)
        zone = preferences.of(portal, signed).zone
        first = _date(request, zone)
        first -= timedelta(days=first.weekday())
        days = [first + timedelta(days=number) for number in range(7)]
        visits = _visits(portal, signed, first, 7, zone)
        columns = [
            (each, [visit for visit in visits if _day_of(visit, zone) == each]) for each in days
        ]
        context = {
            "columns": columns,
            "before": first - timedelta(days=7),
            "after": first + timedelta(days=7),
        }
        return show(portal, request, signed, "week.html", context)


def _add_steps(router: APIRouter, portal: Portal) -> None:
    @router.post("/day/answer")
    @worded
    def answer(request: Request, form: Sent) -> Response:
        """Approve or decline a block; all of it or nothing."""
        signed = only(sessions.own_form(portal.auth, request, form), *PRACTITIONERS)
        ids = [each for each in form.get("ids", "").split(",") if each]
        words = form.get("reason", "").strip()[:300]
        step = _decline(words) if form.get("do") == "decline" else booking.confirm
        return _do(portal, request, signed, form, ids, step)

    @router.post("/day/mark")
    @worded
    def mark(request: Request, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *PRACTITIONERS)
        status = form.get("status", "")
        return _do(
            portal,
            request,
            signed,
            form,
            [form.get("id", "")],
            lambda r, id_: booking.mark(r, id_, status),
        )


Step = Callable[[Repository, str], Resource]


def _decline(words: str) -> Step:
    return lambda repository, id_: booking.cancel(repository, id_, words)


def _do(
    portal: Portal, request: Request, signed: Signed, form: Form, ids: Sequence[str], step: Step
) -> Response:
    def work(repository: Repository) -> None:
        for id_ in ids:
            step(repository, id_)

    try:
        change(portal, signed, "Appointment", work, ",".join(ids))
    except Conflict as refusal:
        return _page(portal, request, signed, told(refusal), 409)
    return RedirectResponse(sessions.local(form.get("back", ""), "/day"), 303)


def _page(
    portal: Portal, request: Request, signed: Signed, error: str = "", status: int = 200
) -> Response:
    zone = preferences.of(portal, signed).zone
    today = _date(request, zone)
    asked = look(portal, signed, "Appointment", lambda r: _asked(r, signed.account.fhir_user))
    context = {
        "blocks": blocks([visit_of(each) for each in asked if _is_asked(each)]),
        "date": today,
        "visits": _visits(portal, signed, today, 1, zone),
        "before": today - timedelta(days=1),
        "after": today + timedelta(days=1),
        "error": error,
    }
    return show(portal, request, signed, "day.html", context, status=status)


def _asked(repository: Repository, user: str) -> list[Resource]:
    now = instant(datetime.now(UTC))
    return records.find(
        repository,
        "Appointment",
        ("actor", user),
        ("status", "proposed"),
        ("date", f"ge{now}"),
        ("_sort", "date"),
    )


def _is_asked(appointment: Resource) -> bool:
    return appointments.participant(appointment, "Patient").get("status") == "accepted"


def _visits(portal: Portal, signed: Signed, first: date, days: int, zone: ZoneInfo) -> list[Visit]:
    start = datetime.combine(first, time(0), zone)
    end = datetime.combine(first + timedelta(days=days), time(0), zone)

    def work(repository: Repository) -> list[Resource]:
        return records.find(
            repository,
            "Appointment",
            ("actor", signed.account.fhir_user),
            ("status", ",".join(SHOWN)),
            ("date", f"ge{instant(start)}"),
            ("date", f"lt{instant(end)}"),
            ("_sort", "date"),
        )

    return [visit_of(each) for each in look(portal, signed, "Appointment", work)]


def _day_of(visit: Visit, zone: ZoneInfo) -> date:
    return datetime.fromisoformat(visit.start).astimezone(zone).date()


def _date(request: Request, zone: ZoneInfo) -> date:
    try:
        return date.fromisoformat(request.query_params.get("date", ""))
    except ValueError:
        return datetime.now(zone).date()
