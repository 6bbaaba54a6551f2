"""/auth/account: password, second factor, passkeys and sessions of who is signed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from smart_auth import letters, passkeys, passwords, recovery, second_factor, sessions
from smart_auth.accounts import Refused, find
from smart_auth.auth import Auth
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed, own_page
from smart_auth.sign_in_pages import refusal
from smart_auth.signing_in import check_again
from smart_auth.wording import later

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "password": later("Your password is saved. You were signed out on your other devices."),
        "factor": later("Signing in no longer takes a code."),
        "passkey": later("The passkey was added."),
        "removed": later("The passkey was removed."),
        "ended": later("You were signed out there."),
    }
)
Sent = Annotated[Form, Depends(form)]


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/auth/account")
    def account(request: Request) -> Response:
        signed = sessions.required(auth, request)
        with auth.engine.connect() as connection:
            shown: dict[str, Any] = {
                "sessions": sessions.listed(connection, signed.account.id),
                "keys": passkeys.listed(connection, signed.account.id),
                "codes_left": second_factor.codes_left(connection, signed.account.id),
            }
        note = NOTES.get(request.query_params.get("done", ""), "")
        shown |= {"passkeys": passkeys.possible(auth), "host": passkeys.host(auth)}
        return own_page(request, signed, "account.html", note=note, **shown)

    _add_password(router, auth)
    _add_second_factor(router, auth)
    _add_lists(router, auth)
    return router


def _add_password(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/account/password")
    def ask(request: Request) -> Response:
        return own_page(request, sessions.required(auth, request), "password.html")

    @router.post("/auth/account/password")
    @worded
    def change(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(auth, request, form)
        new = form.get("new_password", "")
        try:
            check_again(auth, request, signed, form.get("password", ""))
            if weak := passwords.weakness(new, (signed.account.email, signed.account.name)):
                raise Refused(weak, "new_password")
        except Refused as refused:
            return own_page(request, signed, "password.html", **refusal(refused))
        with auth.engine.begin() as connection:
            recovery.renew(auth, connection, signed.account, new, besides=signed.hash)
        return RedirectResponse("/auth/account?done=password", 303)


def _add_second_factor(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/account/second-factor")
    def ask(request: Request) -> Response:
        return _factor_page(auth, request, sessions.required(auth, request))

    @router.post("/auth/account/second-factor")
    @worded
    def change(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(auth, request, form)
        work = STEPS.get(form.get("do", ""))
        if work is None:
            return _factor_page(auth, request, signed)
        try:
            if work is not _confirm:
                check_again(auth, request, signed, form.get("password", ""))
            return work(auth, request, signed, form)
        except Refused as refused:
            shown = _proposed_page if work is _confirm else _factor_page
            return shown(auth, request, signed, **refusal(refused))


def _propose(auth: Auth, request: Request, signed: Signed, _: Form) -> Response:
    if not signed.account.second_factor:
        with auth.engine.begin() as connection:
            second_factor.propose(auth, connection, signed.account.id)
    return _proposed_page(auth, request, signed)


def _confirm(auth: Auth, request: Request, signed: Signed, form: Form) -> Response:
    if signed.account.second_factor:
        return _factor_page(auth, request, signed)
    with auth.engine.begin() as connection:
        codes = second_factor.confirm(auth, connection, signed.account, form.get("code", ""))
        if codes is None:
            raise Refused(
                later("This code is not right. Wait for the next one and try again."), "code"
            )
        sessions.end_all(connection, signed.account.id, signed.hash)
        letters.tell(connection, auth, signed.account, "second-factor-on")
    return own_page(request, signed, "codes.html", codes=codes)


def _turn_off(auth: Auth, _request: Request, signed: Signed, _: Form) -> Response:
    with auth.engine.begin() as connection:
        second_factor.turn_off(connection, signed.account.id)
        letters.tell(connection, auth, signed.account, "second-factor-off")
    return RedirectResponse("/auth/account?done=factor", 303)


def _new_codes(auth: Auth, request: Request, signed: Signed, _: Form) -> Response:
    if not signed.account.second_factor:
        return _factor_page(auth, request, signed)
    with auth.engine.begin() as connection:
        codes = second_factor.new_codes(auth, connection, signed.account.id)
    return own_page(request, signed, "codes.html", codes=codes)


STEPS: Mapping[str, Callable[[Auth, Request, Signed, Form], Response]] = MappingProxyType(
    {"propose": _propose, "confirm": _confirm, "off": _turn_off, "codes": _new_codes}
)


def _factor_page(auth: Auth, request: Request, signed: Signed, **context: Any) -> Response:
    if not signed.account.second_factor:
        return own_page(request, signed, "factor_off.html", **context)
    with auth.engine.connect() as connection:
        left = second_factor.codes_left(connection, signed.account.id)
    return own_page(request, signed, "factor_on.html", codes_left=left, **context)


def _proposed_page(auth: Auth, request: Request, signed: Signed, **context: Any) -> Response:
    """Show the secret; never that of a second factor that is on."""
    with auth.engine.connect() as connection:
        account = find(connection, id=signed.account.id)
    if account is None or account.second_factor or not account.totp:
        return _factor_page(auth, request, signed)
    return own_page(
        request,
        signed,
        "factor_proposed.html",
        secret=second_factor.secret_of(auth, account),
        picture=second_factor.picture(second_factor.address(auth, account)),
        **context,
    )


def _add_lists(router: APIRouter, auth: Auth) -> None:
    @router.post("/auth/account/sessions")
    @worded
    def end(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(auth, request, form)
        if form.get("end") == "all":
            with auth.engine.begin() as connection:
                sessions.end_all(connection, signed.account.id)
            answer = RedirectResponse("/auth/login?done=out", 303)
            sessions.take(auth, answer)
            return answer
        with auth.engine.begin() as connection:
            sessions.end_one(connection, signed.account.id, _bytes(form.get("end", "")))
        return RedirectResponse("/auth/account?done=ended", 303)

    @router.post("/auth/account/passkeys")
    @worded
    def remove(request: Request, form: Sent) -> Response:
        signed = sessions.own_form(auth, request, form)
        with auth.engine.begin() as connection:
            passkeys.remove(connection, signed.account.id, _bytes(form.get("remove", "")))
        return RedirectResponse("/auth/account?done=removed", 303)


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
