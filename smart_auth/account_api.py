"""/auth/api: registration, login and logout for scripts, as JSON; and the two halves of each passkey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from smart_auth import joining, letters, sessions, signing_in
from smart_auth.accounts import Account, Refused, plain
from smart_auth.auth import Auth
from smart_auth.bodies import json
from smart_auth.pages import Stop
from smart_auth.sessions import Signed
from smart_auth.signing_in import Waiting
from smart_auth.wording import say

Sent = Annotated[Mapping[str, Any], Depends(json)]
FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
NEEDS_CODE = "Send the code of your app, or a backup code, as `code` along with the password."
NOBODY = "Nobody is signed in here. Sign in with POST /auth/api/login."


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/auth/api/register")
    def register(request: Request, sent: Sent) -> Response:
        sessions.refuse_foreign(request)
        if not auth.options.registration:
            return _answer(404, {"error": "closed", "message": joining.OFF})
        values = {name: _text(sent, name) for name in joining.FIELDS}
        values["birth_date"] = values["birth_date"] or _text(sent, "birthDate")
        try:
            errors = joining.register(auth, request, values)
        except Refused as refused:
            return _refusal(refused)
        if errors:
            message = "Some fields need another look; see `errors`."
            return _answer(422, {"error": "invalid", "message": message, "errors": errors})
        message = say(joining.SENT, email=plain(values["email"]))
        return _answer(202, {"message": message})

    @router.post("/auth/api/login")
    def login(request: Request, sent: Sent) -> Response:
        sessions.refuse_foreign(request)
        try:
            account = signing_in.check(auth, request, _text(sent, "email"), _text(sent, "password"))
            if account.second_factor:
                if not _text(sent, "code"):
                    return _answer(401, {"error": "second_factor", "message": NEEDS_CODE})
                signing_in.check_code(auth, request, account, _text(sent, "code"))
        except Refused as refused:
            return _refusal(refused)
        return _entered(auth, request, account)

    _add_session(router, auth)
    _add_passkey_login(router, auth)
    _add_passkey_registration(router, auth)
    return router


def _add_session(router: APIRouter, auth: Auth) -> None:
    @router.post("/auth/api/logout")
    def logout(request: Request) -> Response:
        sessions.refuse_foreign(request)
        answer = Response(status_code=204, headers=FRESH)
        if signed := sessions.current(auth, request):
            with auth.engine.begin() as connection:
                sessions.end(connection, signed.hash)
            sessions.take(auth, answer)
        return answer

    @router.get("/auth/api/session")
    def session(request: Request) -> Response:
        signed = sessions.current(auth, request)
        if signed is None:
            return _answer(401, {"error": "signed_out", "message": NOBODY})
        return _answer(200, {**_shown(signed.account), "csrf": signed.csrf})


def _add_passkey_login(router: APIRouter, auth: Auth) -> None:
    @router.post("/auth/api/passkey/authentication")
    def options(request: Request, _: Sent) -> Response:
        from smart_auth import ceremonies  # noqa: PLC0415 - only who has passkeys needs it

        sessions.refuse_foreign(request)
        return _challenge(auth, *ceremonies.request_options(auth))

    @router.post("/auth/api/passkey/login")
    def login(request: Request, sent: Sent) -> Response:
        sessions.refuse_foreign(request)
        try:
            account = signing_in.check_passkey(auth, request, _object(sent, "credential"))
        except Refused as refused:
            return _refusal(refused)
        return _entered(auth, request, account, next=sessions.local(_text(sent, "next")))


def _add_passkey_registration(router: APIRouter, auth: Auth) -> None:
    @router.post("/auth/api/passkey/registration")
    def options(request: Request, sent: Sent) -> Response:
        from smart_auth import ceremonies  # noqa: PLC0415 - only who has passkeys needs it

        signed = _own(auth, request, sent)
        try:
            signing_in.check_again(auth, request, signed, _text(sent, "password"))
            return _challenge(auth, *ceremonies.creation(auth, signed.account))
        except Refused as refused:
            return _refusal(refused)

    @router.post("/auth/api/passkey")
    def add(request: Request, sent: Sent) -> Response:
        from smart_auth import ceremonies  # noqa: PLC0415 - only who has passkeys needs it

        signed = _own(auth, request, sent)
        credential = _object(sent, "credential")
        try:
            ceremonies.add(auth, request, signed.account, credential, _text(sent, "name"))
        except Refused as refused:
            return _refusal(refused)
        with auth.engine.begin() as connection:
            letters.tell(connection, auth, signed.account, "passkey")
        return _answer(201, {"message": "The passkey was added."})


def _own(auth: Auth, request: Request, sent: Mapping[str, Any]) -> Signed:
    signed = sessions.current(auth, request)
    if signed is None:
        raise Stop(401, "You are signed out", NOBODY)
    sessions.refuse_forged(request, {"csrf": _text(sent, "csrf")}, signed)
    return signed


def _entered(auth: Auth, request: Request, account: Account, **also: str) -> Response:
    account = joining.complete(auth, account.id)
    secret = signing_in.admit(auth, request, account, complete=True)
    answer = _answer(200, {**_shown(account), **also})
    sessions.give(auth, answer, secret)
    signing_in.remember(auth, answer, account.email)
    return answer


def _challenge(auth: Auth, options: dict[str, Any], sealed: str) -> Response:
    from smart_auth import ceremonies  # noqa: PLC0415

    answer = _answer(200, options)
    ceremonies.give(auth, answer, sealed)
    return answer


def _shown(account: Account) -> dict[str, Any]:
    return {
        "account": account.id,
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "fhirUser": account.fhir_user,
        "secondFactor": account.second_factor,
    }


def _refusal(refused: Refused) -> Response:
    if isinstance(refused, Waiting):
        wait = {"Retry-After": str(refused.seconds)}
        return _answer(429, {"error": "wait", "message": str(refused)}, wait)
    return _answer(401, {"error": "refused", "message": str(refused)})


def _answer(
    status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(content, status, {**FRESH, **(headers or {})})


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    return value if isinstance(value, str) else ""


def _object(sent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = sent.get(name)
    return value if isinstance(value, dict) else {}
