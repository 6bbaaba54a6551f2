"""/admin/accounts: who may sign in and as what; shut and opened by the dozen, each change with its undo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from smart_auth import accounts, recovery, sessions
from smart_auth.accounts import Account, Refused
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from smart_auth.wording import later
from ui.admin import ADMINISTRATORS, PAGE, PICK, one_of, picked
from ui.pages import show
from ui.paging import Pages
from ui.portal import Portal, missing, only

Sent = Annotated[Form, Depends(form)]
STEPS = {"disable": accounts.disable, "enable": accounts.enable}
UNDO = {"disable": "enable", "enable": "disable"}
MOST_UNDONE = 50
log = structlog.get_logger("accounts")


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_list(router, portal)
    _add_one(router, portal)
    return router


def _add_list(router: APIRouter, portal: Portal) -> None:
    @router.get("/admin/accounts")
    @worded
    def listed(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *ADMINISTRATORS)
        return _list(portal, request, signed)

    @router.post("/admin/accounts")
    @worded
    def change(request: Request, form: Sent) -> Response:
        """Shut or open those that are ticked."""
        signed = only(sessions.own_form(portal.auth, request, form), *ADMINISTRATORS)
        do = form.get("do", "")
        ids = picked(form)
        if do not in STEPS or not ids:
            return _list(
                portal, request, signed, later("Tick the accounts that are meant first."), 422
            )
        if signed.account.id in ids:
            return _list(portal, request, signed, later("You cannot shut your own account."), 422)
        with portal.auth.engine.begin() as connection:
            for id_ in ids:
                STEPS[do](connection, id_)
        log.info("accounts.changed", do=do, by=signed.account.id, accounts=ids)
        kept = {name: request.query_params.get(name, "") for name in ("role", "state", "words")}
        undone = {"did": do, "ids": ",".join(ids)} if len(ids) <= MOST_UNDONE else {"did": do}
        return RedirectResponse(f"/admin/accounts?{urlencode(kept | undone)}", 303)


def _list(
    portal: Portal, request: Request, signed: Signed, error: str = "", status: int = 200
) -> Response:
    asked = request.query_params
    did = one_of(tuple(UNDO), request, "did")
    chosen = {
        "role": one_of(tuple(accounts.ROLES), request, "role"),
        "state": one_of(accounts.STATES, request, "state"),
        "words": asked.get("words", "").replace("\0", "").strip()[:100],
    }
    pages = Pages(request, PAGE)
    with portal.auth.engine.connect() as connection:
        found = pages.cut(accounts.listed(connection, **chosen, most=pages.reach))
    context = {
        "listed": found.items,
        "pages": found,
        "roles": tuple(accounts.ROLES),
        "states": accounts.STATES,
        "chosen": chosen,
        "query": urlencode(chosen),
        "did": "" if error else did,
        "undo": UNDO.get(did, ""),
        "changed": [each for each in asked.get("ids", "").split(",") if each],
        "pick": PICK,
        "error": error,
    }
    return show(portal, request, signed, "admin_accounts.html", context, status=status)


def _add_one(router: APIRouter, portal: Portal) -> None:
    @router.get("/admin/accounts/{id_}")
    @worded
    def one(request: Request, id_: str) -> Response:
        signed = only(sessions.required(portal.auth, request), *ADMINISTRATORS)
        return _page(portal, request, signed, _account(portal, id_))

    @router.post("/admin/accounts/{id_}/role")
    @worded
    def role(request: Request, id_: str, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *ADMINISTRATORS)
        found = _account(portal, id_)
        role, user = form.get("role", ""), form.get("user", "").strip()
        try:
            if id_ == signed.account.id:
                raise Refused(
                    later("You cannot change your own role; another administrator can."), "role"
                )
            with portal.auth.engine.begin() as connection:
                accounts.set_role(connection, id_, role, user)
        except Refused as refused:
            errors = {refused.field: str(refused)}
            return _page(portal, request, signed, found, form, errors)
        log.info("account.role", by=signed.account.id, account=id_, role=role, user=user)
        return RedirectResponse(f"/admin/accounts/{id_}?done=role", 303)

    @router.post("/admin/accounts/{id_}/invite")
    @worded
    def invite(request: Request, id_: str, form: Sent) -> Response:
        only(sessions.own_form(portal.auth, request, form), *ADMINISTRATORS)
        found = _account(portal, id_)
        if found.state == "invited":
            with portal.auth.engine.begin() as connection:
                recovery.invite(connection, portal.auth, found)
        return RedirectResponse(f"/admin/accounts/{id_}?done=invited", 303)


def _account(portal: Portal, id_: str) -> Account:
    with portal.auth.engine.connect() as connection:
        found = accounts.find(connection, id=id_)
    if found is None:
        raise missing()
    return found


def _page(
    portal: Portal,
    request: Request,
    signed: Signed,
    account: Account,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    notes = {
        "role": later("Saved. Who was signed in with it has to sign in again."),
        "invited": later("Another invitation is on its way."),
    }
    context = {
        "account": account,
        "roles": tuple(accounts.ROLES),
        "values": values or {"role": account.role, "user": account.fhir_user},
        "errors": errors or {},
        "note": "" if errors else notes.get(request.query_params.get("done", ""), ""),
    }
    status = 422 if errors else 200
    return show(portal, request, signed, "admin_account.html", context, status=status)
