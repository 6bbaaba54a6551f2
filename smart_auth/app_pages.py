"""/auth/apps: the apps that a person let in, to see, narrow and end, and those that they registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from smart_auth import bodies, clients, grants, metadata, offers, record, sessions
from smart_auth.auth import Auth
from smart_auth.errors import OAuthError
from smart_auth.pages import Stop, worded
from smart_auth.sessions import Signed, own_page
from smart_auth.wording import later

PAGE = "/auth/apps"
Fields = Annotated[Sequence[tuple[str, str]], Depends(bodies.fields)]
Sent = Annotated[bodies.Form, Depends(bodies.form)]
KINDS: Mapping[str, str] = {
    "none": later("A browser or phone app, which cannot keep a secret"),
    "client_secret_basic": later("An app with a server, which keeps a secret"),
    "private_key_jwt": later("An app with a server and keys of its own"),
}


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(PAGE)
    @worded
    def show(request: Request) -> Response:
        return _listed(auth, request, sessions.required(auth, request))

    @router.post(PAGE)
    @worded
    def change(request: Request, stated: Fields) -> Response:
        form = dict(stated)
        signed = sessions.own_form(auth, request, form)
        _change(auth, signed, form, [value for name, value in stated if name == "scope"])
        return RedirectResponse(PAGE, 303, {"Cache-Control": "no-store"})

    _add_registration(auth, router)
    return router


def _add_registration(auth: Auth, router: APIRouter) -> None:
    @router.get(PAGE + "/new")
    @worded
    def new(request: Request) -> Response:
        signed = sessions.required(auth, request)
        return _form(request, signed, {"scope": metadata.DEFAULT_SCOPE})

    @router.post(PAGE + "/new")
    @worded
    def register(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(auth, request, form)
        try:
            with auth.engine.begin() as connection:
                app, secret = clients.register(
                    connection, _metadata(form), owner=signed.account.id, demo=auth.options.demo
                )
        except OAuthError as error:
            return _form(request, signed, form, str(error))
        shown = {"app": app, "secret": secret, "auth": auth}
        return own_page(request, signed, "app_made.html", status=201, **shown)

    @router.post(PAGE + "/end")
    @worded
    def end(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(auth, request, form)
        with auth.engine.begin() as connection:
            theirs = {app.id for app in clients.managed(connection, signed.account)}
            if form.get("client_id") not in theirs:
                raise Stop(404, later("This app is not yours"), later("Nothing was changed."))
            clients.end(connection, form["client_id"])
        return RedirectResponse(PAGE, 303, {"Cache-Control": "no-store"})


def _change(auth: Auth, signed: Signed, form: Mapping[str, str], ticked: Sequence[str]) -> None:
    """Narrow or end a grant of this very person."""
    with auth.engine.begin() as connection:
        own = {each.id: each for each in grants.listing(connection, signed.account.id)}
        found = own.get(form.get("grant", ""))
        if found is None:
            raise Stop(404, later("This access has ended"), later("There was nothing to change."))
        left = offers.granted(found.scope, ticked)
        if form.get("decision") == "end" or not ticked:
            grants.revoke(connection, found.id)
        elif left != found.scope:
            grants.narrow(connection, found.id, left)


def _listed(auth: Auth, request: Request, signed: Signed) -> Response:
    with auth.engine.connect() as connection:
        found = grants.listing(connection, signed.account.id)
        managed = clients.managed(connection, signed.account)
    who = sessions.principal(signed)
    lines: list[dict[str, Any]] = [
        {
            "grant": each,
            "boxes": offers.offered(each.scope, who),
            "offline": [word for word in offers.OFFLINE if word in each.scope.split()],
            "whose": record.patient(auth, signed, each.context.get("patient", "")),
        }
        for each in found
    ]
    return own_page(request, signed, "apps.html", lines=lines, managed=managed)


def _form(request: Request, signed: Signed, values: Mapping[str, str], said: str = "") -> Response:
    return own_page(
        request,
        signed,
        "app_new.html",
        status=400 if said else 200,
        values=values,
        kinds=KINDS,
        errors={"": said} if said else {},
    )


def _metadata(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the form in the words of RFC 7591."""
    stated: dict[str, Any] = {
        "client_name": form.get("client_name", ""),
        "redirect_uris": form.get("redirect_uris", "").split(),
        "token_endpoint_auth_method": form.get("kind", "none"),
        "scope": " ".join(form.get("scope", "").split()),
        **{name: form.get(name, "") for name in ("launch_uri", "logo_uri", "jwks_uri")},
    }
    return {name: value for name, value in stated.items() if value}
