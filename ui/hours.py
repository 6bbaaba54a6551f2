"""/hours: when a practitioner can be booked. What is saved is data on the Schedule; slots follow by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from fhir_server.codec import Resource
from fhir_server.extensions import EXTENSION
from fhir_server.repository import Repository
from fhir_server.scheduling import records
from fhir_server.scheduling.offer import DAYS, offer_of
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import Stop, worded
from smart_auth.sessions import Signed
from smart_auth.wording import later, say
from ui.day import PRACTITIONERS
from ui.pages import show
from ui.portal import Portal, change, look, only

Sent = Annotated[Form, Depends(form)]
NAMES = dict(
    zip(
        DAYS,
        (
            later("Monday"),
            later("Tuesday"),
            later("Wednesday"),
            later("Thursday"),
            later("Friday"),
            later("Saturday"),
            later("Sunday"),
        ),
        strict=True,
    )
)
SPANS = later("%(day)s: write spans such as 09:00-12:00 14:00-17:00, or leave it empty.")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_DAY_OFF = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/hours")
    @worded
    def ask(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *PRACTITIONERS)
        schedule = _own(portal, signed)
        return _page(portal, request, signed, schedule, written(schedule))

    @router.post("/hours")
    @worded
    def save(request: Request, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *PRACTITIONERS)
        schedule = _own(portal, signed)
        errors = wrong(form)
        if errors:
            return _page(portal, request, signed, schedule, form, errors, 422)
        changed = changed_by(schedule, form)
        change(portal, signed, "Schedule", lambda r: records.save(r, changed), schedule["id"])
        return RedirectResponse("/hours?done=1", 303)

    return router


def _page(
    portal: Portal,
    request: Request,
    signed: Signed,
    schedule: Resource,
    values: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    context = {
        "days": NAMES,
        "values": values,
        "errors": errors or {},
        "offer": offer_of(schedule),
        "saved": request.query_params.get("done") == "1" and not errors,
    }
    return show(portal, request, signed, "hours.html", context, status=status)


def _own(portal: Portal, signed: Signed) -> Resource:
    def work(repository: Repository) -> list[Resource]:
        return records.find(
            repository, "Schedule", ("actor", signed.account.fhir_user), ("active", "true")
        )

    listed = look(portal, signed, "Schedule", work)
    if not listed:
        raise Stop(
            404,
            later("You cannot be booked yet"),
            later("Ask an administrator to set up your schedule."),
            link=("/day", later("Day")),
        )
    return listed[0]


def written(schedule: Resource) -> dict[str, str]:
    """Return the form's values: "09:00-12:00 14:00-17:00" by day, and the days off."""
    offer = offer_of(schedule)
    values = {
        day: " ".join(f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in offer.hours.get(day, ()))
        for day in DAYS
    }
    values["off"] = " ".join(
        f"{day}" for day, spans in sorted(offer.exceptions.items()) if not spans
    )
    return values


def wrong(form: Mapping[str, str]) -> dict[str, str]:
    errors = {
        day: say(SPANS, day=say(NAMES[day]))
        for day in DAYS
        if any(not _is_span(each) for each in _parts(form, day))
    }
    if any(not _DAY_OFF.fullmatch(each) for each in _parts(form, "off")):
        errors["off"] = later("Write days such as 2026-12-24, with spaces between.")
    return errors


def _parts(form: Mapping[str, str], name: str) -> list[str]:
    return form.get(name, "").replace(",", " ").split()


def _is_span(text: str) -> bool:
    found = _SPAN.fullmatch(text)
    return bool(found) and text[:5] < text[-5:]


def changed_by(schedule: Resource, form: Mapping[str, str]) -> Resource:
    """Return the schedule with the hours and days off of the form; single days' own hours stay."""
    ours = (f"{EXTENSION}hours", f"{EXTENSION}exception")
    kept = [
        each
        for each in schedule.get("extension", [])
        if each["url"] not in ours or (each["url"] == ours[1] and len(each["extension"]) > 1)
    ]
    hours = [_hours(day, each) for day in DAYS for each in _parts(form, day)]
    off = [
        {"url": ours[1], "extension": [{"url": "date", "valueDate": each}]}
        for each in _parts(form, "off")
    ]
    return schedule | {"extension": [*kept, *hours, *off]}


def _hours(day: str, span: str) -> dict[str, Any]:
    return {
        "url": f"{EXTENSION}hours",
        "extension": [
            {"url": "day", "valueCode": day},
            {"url": "from", "valueTime": f"{span[:5]}:00"},
            {"url": "to", "valueTime": f"{span[-5:]}:00"},
        ],
    }
