"""/auth/consent: a person sees what an app asks for, unticks what they like, and allows or denies it.

On the way there they sign in and, where one patient or encounter is meant, choose it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, func, select

from smart_auth import asked as requests
from smart_auth import bodies, clients, grants, launching, offers, record, sessions
from smart_auth.asked import Asked, Redirect
from smart_auth.auth import Auth
from smart_auth.clients import Client
from smart_auth.errors import OAuthError
from smart_auth.pages import Stop, worded
from smart_auth.sessions import Signed, own_page
from smart_auth.wording import later

Fields = Annotated[Sequence[tuple[str, str]], Depends(bodies.fields)]
PAGE = "/auth/consent"


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(PAGE)
    @worded
    def show(request: Request) -> Response:
        signed = sessions.required(auth, request)
        handle = request.query_params.get("request", "")
        try:
            with auth.engine.begin() as connection:
                found = requests.kept(connection, handle, signed.account.id)
                _refuse_stale(auth, connection, request, found, signed)
                found = _in_context(connection, handle, found, signed)
                client = _client(connection, found)
        except Redirect as told:
            return _to(requests.refused(auth, told))
        return _page(auth, request, handle, found, client, signed)

    @router.post(PAGE)
    @worded
    def decide(request: Request, stated: Fields) -> Response:
        form = dict(stated)
        signed = sessions.own_form(auth, request, form)
        with auth.engine.begin() as connection:
            found = requests.kept(connection, form.get("request", ""), signed.account.id)
            if form.get("decision") in ("patient", "encounter"):
                return _chosen(auth, connection, found, signed, form)
            requests.forget(connection, form.get("request", ""))
            ticked = [value for name, value in stated if name == "scope"]
            allowed = form.get("decision") == "allow"
            return _to(_answer(auth, connection, found, signed, ticked if allowed else None))

    return router


def _to(where: str) -> Response:
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(where, 303, headers)


def _client(connection: Connection, found: Asked) -> Client:
    client = clients.find(connection, found.client)
    if client is None:
        raise Stop(
            400,
            later("This app has ended"),
            later("It was taken off this server. Nothing was shared."),
        )
    return client


def _refuse_stale(
    auth: Auth, connection: Connection, request: Request, found: Asked, signed: Signed
) -> None:
    """Ask for the password again when the app wants that: prompt=login, or older than max_age."""
    since = signed.created.timestamp()
    now = connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one()
    old = found.max_age is not None and float(now) - since > found.max_age
    if since < found.at and (old or "login" in found.prompt.split()):
        with auth.engine.begin() as other:
            sessions.end(other, signed.hash)
        raise sessions.SignIn(request)


# Patient and encounter


def _in_context(connection: Connection, handle: str, found: Asked, signed: Signed) -> Asked:
    """Take in the launch, or what goes without a question: patients are themselves."""
    if found.context is not None:
        return found
    context: Mapping[str, Any] = {}
    if found.launch:
        context = launching.opened(connection, found, signed)
    elif found.wants("launch"):
        error = OAuthError("invalid_request", "The scope launch needs the launch parameter.")
        raise Redirect(found.redirect_uri, error, found.state)
    kind, _, id_ = signed.account.fhir_user.partition("/")
    if kind == "Patient" and launching.needs_patient(found):
        context = {"patient": id_, **context}
    return requests.change(connection, handle, found, context=dict(context))


def _chosen(
    auth: Auth, connection: Connection, found: Asked, signed: Signed, form: Mapping[str, str]
) -> Response:
    """Note the patient or encounter that was chosen, if they may see it."""
    name = form["decision"]
    context = dict(found.context or {})
    value = form.get(name, "")
    if name == "patient":
        known = record.patient(auth, signed, value) is not None
    else:
        known = bool(value) and bool(
            record.encounters(auth, signed, context.get("patient", ""), value)
        )
    if known:
        requests.change(connection, form["request"], found, context={**context, name: value})
    return _to(f"{PAGE}?request={quote(form['request'], safe='')}")


def _page(
    auth: Auth, request: Request, handle: str, found: Asked, client: Client, signed: Signed
) -> Response:
    context = dict(found.context or {})
    shown: dict[str, Any] = {"handle": handle, "client": client}
    if launching.needs_patient(found) and not context.get("patient"):
        words = request.query_params.get("name", "")
        lines = record.patients(auth, signed, words)
        return own_page(
            request,
            signed,
            "choose_patient.html",
            lines=lines,
            words=words,
            most=record.MOST,
            **shown,
        )
    if launching.needs_encounter(found) and not context.get("encounter"):
        lines = record.encounters(auth, signed, context.get("patient", ""))
        if lines:
            return own_page(request, signed, "choose_encounter.html", lines=lines, **shown)
    whose = record.patient(auth, signed, context.get("patient", ""))
    boxes = offers.offered(found.scope, sessions.principal(signed))
    return own_page(
        request,
        signed,
        "consent.html",
        form_action=("'self'", _origin(found.redirect_uri)),
        asked=found,
        whose=whose,
        own=whose is not None and signed.account.fhir_user == f"Patient/{whose.id}",
        boxes=boxes,
        offline=[word for word in offers.OFFLINE if found.wants(word)],
        site=_origin(found.redirect_uri),
        **shown,
    )


def _origin(uri: str) -> str:
    """Return the site that an answer goes to; of an app's own scheme the scheme alone."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


# The decision


def _answer(
    auth: Auth, connection: Connection, found: Asked, signed: Signed, ticked: Sequence[str] | None
) -> str:
    """Return where the browser goes: with a code, or with access_denied."""
    scope = offers.granted(found.scope, ticked) if ticked is not None else ""
    wanted = bool(offers.offered(found.scope, sessions.principal(signed)))
    if ticked is None or not scope or (wanted and not ticked):
        error = OAuthError("access_denied", "The person did not agree.")
        return requests.refused(auth, Redirect(found.redirect_uri, error, found.state))
    granted = grants.grant(
        connection,
        found.client,
        signed.account.id,
        scope,
        launching.of_response(auth, found.context or {}),
        session=signed.hash,
        authenticated=signed.created,
    )
    code = grants.issue_code(
        connection,
        granted,
        found.redirect_uri,
        found.code_challenge,
        found.nonce,
        auth.options.code,
    )
    return requests.answer(auth, found.redirect_uri, found.state, code=code)
