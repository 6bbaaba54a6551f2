"""GET and POST /auth/authorize, and POST /auth/par: where an app's request comes in.

A request is checked and kept; then the browser goes to /auth/consent, where a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from smart_auth import asked, bodies, endpoints, forms, sessions
from smart_auth.asked import Asked, Redirect
from smart_auth.auth import Auth
from smart_auth.client_authentication import authenticate
from smart_auth.errors import OAuthError, invalid_request
from smart_auth.forms import Form
from smart_auth.pages import Stop, worded
from smart_auth.wording import later

Fields = Annotated[Sequence[tuple[str, str]], Depends(bodies.fields)]


def routes(auth: Auth) -> APIRouter:
    router = APIRouter()

    @router.get("/auth/authorize", include_in_schema=False)
    @worded
    def by_query(request: Request) -> Response:
        return _begin(auth, request, request.query_params.multi_items())

    @router.post("/auth/authorize", include_in_schema=False)
    @worded
    def by_form(request: Request, stated: Fields) -> Response:
        return _begin(auth, request, stated)

    endpoints.add_form(router, auth, "/auth/par", push)
    return router


def _begin(auth: Auth, request: Request, stated: Sequence[tuple[str, str]]) -> Response:
    try:
        with auth.engine.begin() as connection:
            found = _read(auth, connection, _once(stated))
            if found.prompt == "none":
                raise _must_ask(auth, request, found)
            handle = asked.keep(connection, found, asked.DECIDED_S)
    except Redirect as told:
        return _to(asked.refused(auth, told))
    return _to(f"/auth/consent?request={quote(handle, safe='')}")


def _to(where: str) -> Response:
    return RedirectResponse(
        where, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )


def _once(stated: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Refuse a parameter given twice: two readers might take one each (RFC 6749, section 3.1)."""
    found = dict(stated)
    if len(found) != len(stated):
        raise Stop(
            400,
            later("This link is not right"),
            later(
                "It says something twice, so it is not clear what the app asks for. Nothing was "
                "shared. Tell the app's makers: each parameter may be sent once."
            ),
        )
    return {name: value for name, value in found.items() if value and "\0" not in value}


def _read(auth: Auth, connection: Connection, stated: Mapping[str, str]) -> Asked:
    pushed = stated.get("request_uri")
    if pushed is not None:
        return asked.take(connection, pushed.removeprefix(asked.URN), stated.get("client_id", ""))
    client = asked.client_of(connection, stated)
    return asked.read(auth, client, stated)


def _must_ask(auth: Auth, request: Request, found: Asked) -> Redirect:
    """A person is asked every time, so without a word to anybody nothing can be granted."""
    signed = sessions.current(auth, request)
    error = (
        OAuthError("consent_required", "The person has to agree; leave out prompt=none.")
        if signed
        else OAuthError("login_required", "Nobody is signed in; leave out prompt=none.")
    )
    return Redirect(found.redirect_uri, error, found.state)


def push(auth: Auth, request: Request, form: Form) -> Response:
    """Keep a request that the app itself sends, RFC 9126: its browser only carries the name of it."""
    if "request_uri" in form:
        raise invalid_request("request_uri cannot be pushed.")
    client = authenticate(auth, request, form)
    stated = {**form, "client_id": client.id}
    if forms.needed(form, "redirect_uri") not in client.redirect_uris:
        raise invalid_request("redirect_uri is none of those that the app registered.")
    try:
        found = asked.read(auth, client, stated)
    except Redirect as told:
        raise told.error from None
    with auth.engine.begin() as connection:
        handle = asked.keep(connection, found, asked.PUSHED_S)
    return endpoints.secret_json(
        {"request_uri": f"{asked.URN}{handle}", "expires_in": asked.PUSHED_S}, 201
    )
