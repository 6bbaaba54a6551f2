"""/settings: the zone that times are shown in, and reminders; the rest of an account is at /auth/account."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from ui import preferences
from ui.pages import show
from ui.portal import Portal

Sent = Annotated[Form, Depends(form)]


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/settings")
    def ask(request: Request) -> Response:
        signed = sessions.required(portal.auth, request)
        context = {
            "zones": preferences.zones(),
            "chosen": preferences.of(portal, signed),
            "saved": request.query_params.get("done") == "1",
        }
        return show(portal, request, signed, "settings.html", context)

    @router.post("/settings")
    @worded
    def save(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(portal.auth, request, form)
        zone = form.get("zone", "")
        if zone in preferences.zones():
            with portal.auth.engine.begin() as connection:
                preferences.save(connection, signed.account.id, zone, reminders="reminders" in form)
        return RedirectResponse("/settings?done=1", 303)

    return router
