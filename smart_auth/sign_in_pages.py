"""/auth/login, /auth/second-factor and /auth/logout."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from smart_auth import anonymous, joining, passkeys, sessions, signing_in
from smart_auth.accounts import Account, Refused
from smart_auth.auth import Auth
from smart_auth.bodies import Form, form
from smart_auth.pages import onwards, render, worded
from smart_auth.signing_in import Waiting
from smart_auth.wording import later

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "out": later("You are signed out."),
        "password": later("Your password is saved. Sign in with it."),
    }
)
LEADS_AWAY = ("/auth/authorize", "/auth/consent")
"""Whose answers may be an app's address."""
Sent = Annotated[Form, Depends(form)]


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/auth/login")
    def login(request: Request) -> Response:
        query = request.query_params
        if sessions.current(auth, request) is not None:
            return RedirectResponse(sessions.local(query.get("next", "")), 303)
        return _login_page(auth, request, query, note=NOTES.get(query.get("done", ""), ""))

    @router.post("/auth/login")
    @worded
    def sign_in(request: Request, form: Sent) -> Response:
        anonymous.refuse_forged(auth, request, form)
        try:
            account = signing_in.check(
                auth, request, form.get("email", ""), form.get("password", "")
            )
        except Refused as refused:
            return _login_page(auth, request, form, refused=refused)
        return _admitted(auth, request, account, sessions.local(form.get("next", "")))

    _add_second_factor(router, auth)
    _add_logout(router, auth)
    return router


def _add_second_factor(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/second-factor")
    def second_factor(request: Request) -> Response:
        if sessions.pending(auth, request) is None:
            return RedirectResponse("/auth/login", 303)
        return _code_page(auth, request, request.query_params)

    @router.post("/auth/second-factor")
    @worded
    def code(request: Request, form: Sent) -> Response:
        pending = sessions.pending(auth, request)
        if pending is None:
            return RedirectResponse("/auth/login", 303)
        sessions.refuse_forged(request, form, pending)
        try:
            signing_in.check_code(auth, request, pending.account, form.get("code", ""))
        except Refused as refused:
            return _code_page(auth, request, form, refused=refused)
        next_ = sessions.local(form.get("next", ""))
        return entered(auth, request, pending.account, next_)


def _add_logout(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/logout")
    def ask(request: Request) -> Response:
        signed = sessions.current(auth, request)
        if signed is None:
            return RedirectResponse("/auth/login", 303)
        return render(request, "logout.html", signed=signed, csrf=signed.csrf)

    @router.post("/auth/logout")
    @worded
    def sign_out(request: Request, form: Sent) -> Response:
        answer = RedirectResponse("/auth/login?done=out", 303)
        signed = sessions.current(auth, request)
        if signed is not None:
            sessions.refuse_forged(request, form, signed)
            with auth.engine.begin() as connection:
                sessions.end(connection, signed.hash)
            sessions.take(auth, answer)
        return answer


def _admitted(auth: Auth, request: Request, account: Account, next_: str) -> Response:
    """Ask for the second factor when the account has one; let the person in otherwise."""
    if not account.second_factor:
        return entered(auth, request, account, next_)
    answer = RedirectResponse(f"/auth/second-factor?next={signing_in.quoted(next_)}", 303)
    sessions.give(auth, answer, signing_in.admit(auth, request, account, complete=False))
    return answer


def entered(auth: Auth, request: Request, account: Account, next_: str) -> Response:
    """Begin the session and lead on."""
    joining.complete(auth, account.id)
    answer: Response = (
        onwards(request, next_)
        if next_.startswith(LEADS_AWAY)
        else RedirectResponse(next_, 303, {"Cache-Control": "no-store"})
    )
    sessions.give(auth, answer, signing_in.admit(auth, request, account, complete=True))
    signing_in.remember(auth, answer, account.email)
    return answer


def _login_page(
    auth: Auth,
    request: Request,
    values: Mapping[str, str],
    *,
    refused: Refused | None = None,
    note: str = "",
) -> Response:
    return anonymous.page(
        auth,
        request,
        "login.html",
        **refusal(refused),
        values={"email": values.get("email", "")},
        next=sessions.local(values.get("next", "")),
        note=note,
        passkeys=passkeys.possible(auth),
        registration=auth.options.registration,
    )


def _code_page(
    auth: Auth, request: Request, values: Mapping[str, str], *, refused: Refused | None = None
) -> Response:
    pending = sessions.pending(auth, request)
    return render(
        request,
        "second_factor.html",
        **refusal(refused),
        csrf=pending.csrf if pending else "",
        next=sessions.local(values.get("next", "")),
        passkeys=passkeys.possible(auth),
    )


def refusal(refused: Refused | None) -> dict[str, Any]:
    """Return status, headers and errors of a page that is shown again because of this."""
    if refused is None:
        return {"errors": {}}
    errors: dict[str, Any] = {"errors": {refused.field: str(refused)}}
    if isinstance(refused, Waiting):
        return {**errors, "status": 429, "headers": {"Retry-After": str(refused.seconds)}}
    return {**errors, "status": 422}
