"""Opening an app from a chart: /auth/launch as a page and for scripts, and the style that apps may wear.

https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import Connection, select

from smart_auth import bodies, clients, launching, record, sessions
from smart_auth.accounts import Refused
from smart_auth.auth import Auth
from smart_auth.clients import Client
from smart_auth.pages import worded
from smart_auth.sessions import Signed, own_page
from smart_auth.tables import client as table
from smart_auth.wording import later

PAGE = "/auth/launch"
Sent = Annotated[bodies.Form, Depends(bodies.form)]
Json = Annotated[Mapping[str, Any], Depends(bodies.json)]
NOT_STORED = {"Cache-Control": "no-store"}


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(PAGE)
    @worded
    def show(request: Request) -> Response:
        return _page(auth, request)

    @router.post(PAGE + "/open")
    @worded
    def open_(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(auth, request, form)
        try:
            with auth.engine.begin() as connection:
                app = _app(connection, form.get("client_id", ""))
                value = launching.begin(auth, connection, signed, form, app.id)
        except Refused as refused:
            return _page(auth, request, str(refused))
        return RedirectResponse(_address(auth, app, value), 303, NOT_STORED)

    _add_json(auth, router)

    @router.get(launching.STYLE)
    def style() -> Response:
        shared = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}
        return JSONResponse(STYLE, headers=shared)

    return router


def _add_json(auth: Auth, router: APIRouter) -> None:
    @router.post(PAGE)
    def begin(request: Request, wanted: Json) -> Response:
        signed = sessions.current(auth, request)
        if signed is None:
            raise HTTPException(401, "Sign in first: /auth/api/login.", NOT_STORED)
        sessions.refuse_foreign(request)
        try:
            with auth.engine.begin() as connection:
                named = str(wanted.get("client_id", ""))
                app = _app(connection, named) if named else None
                value = launching.begin(auth, connection, signed, wanted, named)
        except Refused as refused:
            raise HTTPException(400, str(refused), NOT_STORED) from None
        opened = {"launch_url": _address(auth, app, value)} if app and app.launch_uri else {}
        answer = {"launch": value, "iss": auth.fhir, "expires_in": launching.LAUNCH_S, **opened}
        return JSONResponse(answer, 201, NOT_STORED)


STYLE = {
    "color_background": "#FFFFFF",
    "color_error": "#B3261E",
    "color_highlight": "#0B6E6E",
    "color_modal_backdrop": "#16202A",
    "color_success": "#1B7F4B",
    "color_text": "#16202A",
    "dim_border_radius": "6px",
    "dim_font_size": "16px",
    "dim_spacing_size": "16px",
    "font_family_body": "system-ui, sans-serif",
    "font_family_heading": "system-ui, sans-serif",
}
"""https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#styling"""


def _address(auth: Auth, app: Client, value: str) -> str:
    query = urlencode({"iss": auth.fhir, "launch": value})
    return f"{app.launch_uri}{'&' if '?' in app.launch_uri else '?'}{query}"


def _app(connection: Connection, client_id: str) -> Client:
    app = clients.find(connection, client_id)
    if app is None or not app.launch_uri:
        raise Refused(
            later("Choose an app that can be opened from here: one with a launch address.")
        )
    return app


def _apps(connection: Connection) -> Sequence[tuple[str, str]]:
    """Return id and name of the apps that can be opened."""
    can = table.c.launch_uri != "", table.c.disabled.is_(None)
    rows = connection.execute(select(table.c.id, table.c.name).where(*can).order_by(table.c.name))
    return [(row.id, row.name) for row in rows]


def _page(auth: Auth, request: Request, said: str = "") -> Response:
    signed = sessions.required(auth, request)
    words = request.query_params.get("name", "")
    with auth.engine.connect() as connection:
        apps = _apps(connection)
    return own_page(
        request,
        signed,
        "launch.html",
        status=400 if said else 200,
        form_action=("'self'", "https:", "http://127.0.0.1:*", "http://localhost:*"),
        apps=apps,
        lines=_patients(auth, request, signed, words),
        words=words,
        errors={"": said} if said else {},
    )


def _patients(auth: Auth, request: Request, signed: Signed, words: str) -> Sequence[record.Line]:
    """Return whom an app may be opened for: the one whose chart led here, or those of the name."""
    if id_ := request.query_params.get("patient", ""):
        one = record.patient(auth, signed, id_)
        return [one] if one else []
    return record.patients(auth, signed, words)
