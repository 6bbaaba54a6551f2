"""/settings: how to reach a person, the zone that times are shown in, reminders.

The rest of an account is at /auth/account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from fhir_server.codec import Resource
from fhir_server.repository import Repository
from fhir_server.scheduling import records
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from smart_auth.wording import LANGUAGES, later, remember
from ui import preferences
from ui.pages import show
from ui.portal import Portal, change, found, only

Sent = Annotated[Form, Depends(form)]
PHONE = re.compile(r"\+?[0-9 ()/.-]{5,30}|")
LINES = ("line", "postalCode", "city", "country")
LONGEST = 100


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/settings")
    @worded
    def ask(request: Request) -> Response:
        signed = sessions.required(portal.auth, request)
        return _page(portal, request, signed)

    @router.post("/settings")
    @worded
    def save(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(portal.auth, request, form)
        zone, language = form.get("zone", ""), form.get("language", "")
        answer = RedirectResponse("/settings?done=1", 303)
        if zone in preferences.zones() and language in LANGUAGES:
            chosen = {"zone": zone, "language": language, "reminders": "reminders" in form}
            with portal.auth.engine.begin() as connection:
                preferences.save(connection, signed.account.id, **chosen)
            remember(answer, language)
        return answer

    _add_zone(router, portal)
    _add_contact(router, portal)
    return router


def _add_zone(router: APIRouter, portal: Portal) -> None:
    @router.post("/settings/zone")
    @worded
    def take_zone(request: Request, form: Sent) -> Response:
        """Take the zone that their device is in, which a script has offered."""
        signed = sessions.own_form(portal.auth, request, form)
        zone = form.get("zone", "")
        if zone in preferences.zones():
            with portal.auth.engine.begin() as connection:
                preferences.save(connection, signed.account.id, zone=zone)
        return RedirectResponse(sessions.local(form.get("back", ""), "/"), 303)


def _add_contact(router: APIRouter, portal: Portal) -> None:
    @router.post("/settings/contact")
    @worded
    def save_contact(request: Request, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), "patient")
        if not PHONE.fullmatch(form.get("phone", "").strip()):
            errors = {"phone": later("Write a phone number, such as +49 30 123456.")}
            return _page(portal, request, signed, dict(form), errors)
        id_ = signed.account.fhir_user.rpartition("/")[2]

        def work(repository: Repository) -> Resource:
            patient = records.read(repository, "Patient", id_)
            return records.save(repository, reached(patient, form))

        change(portal, signed, "Patient", work, id_)
        return RedirectResponse("/settings?done=1", 303)


def _page(
    portal: Portal,
    request: Request,
    signed: Signed,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    context = {
        "zones": preferences.zones(),
        "languages": LANGUAGES,
        "chosen": preferences.of(portal, signed),
        "saved": request.query_params.get("done") == "1" and not errors,
        "values": values or _contact(portal, signed),
        "errors": errors or {},
    }
    return show(portal, request, signed, "settings.html", context, status=422 if errors else 200)


def _contact(portal: Portal, signed: Signed) -> dict[str, str]:
    """Return how a patient is reached now, as the form's values; {} for others."""
    if signed.account.role != "patient":
        return {}
    patient = found(portal, signed, "Patient", signed.account.fhir_user.rpartition("/")[2])
    address: dict[str, Any] = next(iter(patient.get("address", [])), {})
    phones = [each for each in patient.get("telecom", []) if each.get("system") == "phone"]
    values = {name: str(address.get(name, "")) for name in LINES}
    values["line"] = ", ".join(address.get("line", []))
    return values | {"phone": str(phones[0].get("value", "")) if phones else ""}


def reached(patient: Resource, form: Mapping[str, str]) -> Resource:
    """Return the patient with the first phone and address of the form; others stay as they are."""
    said = {name: form.get(name, "").strip()[:LONGEST] for name in (*LINES, "phone")}
    telecom = list(patient.get("telecom", []))
    phones = [number for number, each in enumerate(telecom) if each.get("system") == "phone"]
    kept = [each for number, each in enumerate(telecom) if number not in phones[:1]]
    before = telecom[phones[0]] if phones else {"system": "phone"}
    telecom = [*([before | {"value": said["phone"]}] if said["phone"] else []), *kept]
    address: dict[str, Any] = {name: said[name] for name in LINES if said[name]}
    if "line" in address:
        address["line"] = [said["line"]]
    addresses = [*([address] if address else []), *patient.get("address", [])[1:]]
    rest = {name: value for name, value in patient.items() if name not in ("telecom", "address")}
    return (
        rest
        | ({"telecom": telecom} if telecom else {})
        | ({"address": addresses} if addresses else {})
    )
