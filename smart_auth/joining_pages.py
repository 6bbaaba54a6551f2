"""/auth/register, /auth/verify and /auth/recover."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from smart_auth import anonymous, joining, recovery, sessions
from smart_auth.accounts import Refused, plain
from smart_auth.auth import Auth
from smart_auth.bodies import Form, form
from smart_auth.pages import Stop, worded
from smart_auth.sign_in_pages import entered, refusal
from smart_auth.signing_in import Waiting
from smart_auth.wording import later, say

Sent = Annotated[Form, Depends(form)]


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_registration(router, auth)
    _add_verification(router, auth)
    _add_recovery(router, auth)
    return router


def _add_registration(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/register")
    @worded
    def ask(request: Request) -> Response:
        _refuse_unless_open(auth)
        return anonymous.page(auth, request, "register.html")

    @router.post("/auth/register")
    @worded
    def register(request: Request, form: Sent) -> Response:
        _refuse_unless_open(auth)
        anonymous.refuse_forged(auth, request, form)
        try:
            errors = joining.register(auth, request, form)
        except Waiting as waiting:
            return anonymous.page(auth, request, "register.html", values=form, **refusal(waiting))
        if errors:
            return anonymous.page(
                auth, request, "register.html", status=422, errors=errors, values=form
            )
        return _sent(auth, request, say(joining.SENT, email=plain(form["email"])))


def _add_verification(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/verify")
    @worded
    def ask(request: Request) -> Response:
        token = request.query_params.get("token", "")
        recovery.refuse_unless_good(auth, token, ("verify",))
        return anonymous.page(auth, request, "verify.html", token=token)

    @router.post("/auth/verify")
    @worded
    def verify(request: Request, form: Sent) -> Response:
        anonymous.refuse_forged(auth, request, form)
        token = form.get("token", "")
        recovery.refuse_unless_good(auth, token, ("verify",))
        try:
            account = joining.verify(auth, token, form.get("password", ""))
        except Refused as refused:
            return anonymous.page(auth, request, "verify.html", token=token, **refusal(refused))
        if account.second_factor or account.disabled:
            return RedirectResponse("/auth/login", 303)
        return entered(auth, request, account, sessions.HOME)


def _add_recovery(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/recover")
    @worded
    def ask(request: Request) -> Response:
        token = request.query_params.get("token", "")
        if not token:
            return anonymous.page(auth, request, "recover.html")
        link = recovery.refuse_unless_good(auth, token, recovery.PURPOSES)
        return anonymous.page(auth, request, "new_password.html", token=token, **link)

    @router.post("/auth/recover")
    @worded
    def recover(request: Request, form: Sent) -> Response:
        anonymous.refuse_forged(auth, request, form)
        if form.get("token"):
            return _chosen(auth, request, form)
        try:
            recovery.ask(auth, request, form.get("email", ""))
        except Refused as refused:
            return anonymous.page(auth, request, "recover.html", values=form, **refusal(refused))
        return _sent(auth, request, say(recovery.SENT, email=plain(form["email"])))


def _chosen(auth: Auth, request: Request, form: Form) -> Response:
    token = form["token"]
    link = recovery.refuse_unless_good(auth, token, recovery.PURPOSES)
    try:
        recovery.choose(auth, token, form.get("password", ""))
    except Refused as refused:
        return anonymous.page(
            auth, request, "new_password.html", token=token, **link, **refusal(refused)
        )
    return RedirectResponse("/auth/login?done=password", 303)


def _sent(auth: Auth, request: Request, sentence: str) -> Response:
    return anonymous.page(auth, request, "sent.html", sentence=sentence, demo=auth.options.demo)


def _refuse_unless_open(auth: Auth) -> None:
    if not auth.options.registration:
        raise Stop(404, later("Accounts are made by the practice"), joining.OFF)
