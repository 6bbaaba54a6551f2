"""The portal's pages: its templates above those of smart_auth, whose shell and fields they share."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from types import MappingProxyType
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader

from billing.money import shown
from fhir_server.instants import moment
from fhir_server.scheduling.people import name_of
from smart_auth.pages import SAFE, STATIC, security_policy
from smart_auth.sessions import Signed
from smart_auth.wording import COOKIE, dated, later, remember, say, speaking, teach
from ui import preferences
from ui.portal import Portal

PLACES: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType(
    {
        "patient": (
            ("/home", later("Home")),
            ("/doctors", later("Find a doctor")),
            ("/visits", later("Visits")),
            ("/documents", later("Documents")),
            ("/prescriptions", later("Prescriptions")),
        ),
        "practitioner": (
            ("/day", later("Day")),
            ("/week", later("Week")),
            ("/patients", later("Patients")),
            ("/hours", later("Hours")),
        ),
        "administrator": (
            ("/admin", later("Practice")),
            ("/admin/visits", later("Visits")),
            ("/admin/payments", later("Payments")),
            ("/admin/mails", later("Mails")),
            ("/admin/accounts", later("Accounts")),
        ),
        "": (("/doctors", later("Find a doctor")), ("/auth/login", later("Sign in"))),
    }
)
"""The places of each role, five at most."""
PILLS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "waitlist": ("wait", later("On the list")),
        "proposed": ("wait", later("Asked for")),
        "pending": ("wait", later("To be paid")),
        "booked": ("good", later("Booked")),
        "arrived": ("good", later("Arrived")),
        "checked-in": ("good", later("Checked in")),
        "fulfilled": ("good", later("Seen")),
        "noshow": ("bad", later("Missed")),
        "cancelled": ("soft", later("Cancelled")),
        "open": ("wait", later("Open")),
        "paid": ("good", later("Paid")),
        "failed": ("bad", later("Failed")),
        "expired": ("soft", later("Expired")),
        "refunded": ("good", later("Refunded")),
        "partially-refunded": ("good", later("Partly refunded")),
        "invited": ("wait", later("Invited")),
        "active": ("good", later("May sign in")),
        "disabled": ("bad", later("Shut")),
        "waiting": ("wait", later("Waits")),
        "sent": ("good", later("Sent")),
    }
)
"""Colour and words of each status: of an Appointment, a payment, an account, a mail."""
ROLES: Mapping[str, str] = MappingProxyType(
    {
        "patient": later("Patient"),
        "practitioner": later("Practitioner"),
        "related-person": later("Carer"),
        "administrator": later("Administrator"),
    }
)


def show(
    portal: Portal,
    request: Request,
    signed: Signed | None,
    template: str,
    context: Mapping[str, Any] = MappingProxyType({}),
    *,
    status: int = 200,
    form_action: Sequence[str] = ("'self'",),
) -> HTMLResponse:
    """Return a page for whoever looks at it: their places, their zone, and what their forms carry."""
    role = signed.account.role if signed else ""
    preferred = preferences.of(portal, signed)
    places = PLACES.get("patient" if role == "related-person" else role, PLACES[""])
    shell = {
        "request": request,
        "signed": signed,
        "csrf": signed.csrf if signed else "",
        "places": places,
        "here": request.url.path,
        "place_here": _place_of(places, request.url.path),
        "zone": preferred.zone,
        "ask_zone": signed is not None and not preferred.chosen,
        "now": datetime.now(UTC),
        "role": role,
    }
    with speaking(preferred.language):
        text = environment().get_template(template).render(shell | dict(context))
    headers = {**SAFE, "Content-Security-Policy": security_policy(form_action)}
    answer = HTMLResponse(text, status, headers)
    if preferred.language and request.cookies.get(COOKIE) != preferred.language:
        # Pages about the account do not know what was chosen in the portal.
        remember(answer, preferred.language)
    return answer


def _place_of(places: Sequence[tuple[str, str]], path: str) -> str:
    """Return the nearest place above a page; "" when it is below none."""
    above = [place for place, _ in places if path == place or path.startswith(f"{place}/")]
    return max(above, key=len, default="")


@functools.cache
def environment() -> Environment:
    made = Environment(
        loader=ChoiceLoader(
            [PackageLoader("ui", "templates"), PackageLoader("smart_auth", "templates")]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    teach(made)
    made.globals |= {"pills": PILLS, "role_words": ROLES}
    made.filters |= {
        "moment": moment,
        "clock": clock,
        "when": when,
        "day": day,
        "money": shown,
        "named": name_of,
        "concept": concept,
        "place": place,
        "picture": picture_of,
    }
    return made


def when(time: datetime | str, zone: ZoneInfo) -> str:
    """Return "Tue 24 Nov, 09:30 (Berlin time)", in the reader's language."""
    local = _instant(time).astimezone(zone)
    day = dated(local, say("EEE d MMM, HH:mm"))
    return say("%(time)s (%(zone)s)", time=day, zone=place(zone))


def clock(time: datetime | str, zone: ZoneInfo) -> str:
    return f"{_instant(time).astimezone(zone):%H:%M}"


def day(time: datetime | str, zone: ZoneInfo) -> str:
    local = _instant(time).astimezone(zone)
    return dated(local, say("EEEE d MMMM"))


def place(zone: ZoneInfo) -> str:
    """Return the zone's name for people: Berlin time."""
    if "/" not in zone.key:
        return zone.key
    return say("%(city)s time", city=zone.key.rpartition("/")[2].replace("_", " "))


def concept(found: Any) -> str:
    """Return the words of a CodeableConcept, or of the first of a list."""
    one = (found[0] if found else {}) if isinstance(found, list) else found or {}
    shown_ = [each.get("display") or each.get("code", "") for each in one.get("coding", [])]
    return str(one.get("text") or next(filter(None, shown_), ""))


def picture_of(person: Mapping[str, Any]) -> str:
    """Return where a person's picture is served; "" when there is none here."""
    for each in person.get("photo", []):
        kind, _, id_ = each.get("url", "").rpartition("/")
        if kind == "Binary":
            return f"/people/{person['resourceType']}/{person['id']}/{id_}"
    return ""


def _instant(time: datetime | str) -> datetime:
    return moment(time) if isinstance(time, str) else time


def served(content: bytes, type_: str, name: str) -> Response:
    """Answer a file: shown only when it is a kind that cannot run anything."""
    shown = type_ in ("application/pdf", "image/jpeg", "image/png", "image/webp")
    headers = {
        **SAFE,
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, headers=headers, media_type=type_)


def routes(_: Portal) -> APIRouter:
    """Serve what is in the folder `static`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        found = _static().get(name)
        if found is None:
            raise HTTPException(404, f"There is no file {name}.")
        headers = {**SAFE, "Cache-Control": "public, max-age=3600"}
        return Response(found, headers=headers, media_type=STATIC[name.rpartition(".")[2]])

    return router


@functools.cache
def _static() -> Mapping[str, bytes]:
    folder = files("ui").joinpath("static")
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
