"""/auth/break-glass: a clinician opens the record of a patient who is not theirs, for an hour and with a reason.

It is audited as itself, with the reason, and the patient is told by mail that it happened.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, func, insert, select

from fhir_server.access.principal import Principal
from fhir_server.channels import mail
from fhir_server.errors import FHIRError
from smart_auth import bodies, sessions
from smart_auth.accounts import Refused
from smart_auth.auth import Auth
from smart_auth.pages import Stop, worded
from smart_auth.record import looked
from smart_auth.sessions import Signed, own_page
from smart_auth.tables import account, break_glass
from smart_auth.wording import later, say

PATH = "/auth/break-glass"
LASTS = timedelta(hours=1)
SHORTEST_REASON = 15
WHO = "practitioner"
Sent = Annotated[bodies.Form, Depends(bodies.form)]
_FINDER = Principal("emergency", name="The page for emergencies")


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    @worded
    def show(request: Request) -> Response:
        return _page(request, _clinician(auth, request), {})

    @router.post(PATH)
    @worded
    def break_(request: Request, form: Sent) -> Response:
        signed = _clinician(auth, request)
        sessions.refuse_forged(request, form, signed)
        try:
            open_(auth, signed, form.get("patient", "").strip(), form.get("reason", "").strip())
        except Refused as refused:
            return _page(request, signed, form, refused)
        return RedirectResponse("/auth/launch", 303, {"Cache-Control": "no-store"})

    return router


def _clinician(auth: Auth, request: Request) -> Signed:
    signed = sessions.required(auth, request)
    if signed.account.role != WHO:
        raise Stop(
            403,
            later("This is for clinicians"),
            later("Nobody else opens records in an emergency."),
        )
    return signed


def open_(auth: Auth, signed: Signed, patient: str, reason: str) -> None:
    """Open the patient's record to the clinician; Refused in a sentence."""
    if len(reason) < SHORTEST_REASON:
        raise Refused(
            later("Say in a sentence why this cannot wait; the patient will read it."), "reason"
        )
    key = _find(auth, patient)
    with auth.engine.begin() as connection:
        connection.execute(
            insert(break_glass).values(
                id=str(uuid.uuid4()),
                account=signed.account.id,
                patient=patient,
                reason=reason,
                expires=func.clock_timestamp() + LASTS,
            )
        )
        _tell(connection, signed, patient)
    store = auth.store.acting(sessions.principal(signed))
    if store.access is not None:
        access = store.access
        access.interaction, access.type, access.id = "break-glass", "Patient", patient
        access.query = reason[:2000]
        access.saw([key])
        store.end(200)


def _find(auth: Auth, patient: str) -> int:
    """Return the patient's key; Refused when there is no such patient."""
    try:
        found = looked(
            auth,
            _FINDER,
            "Patient",
            [("_id", patient)],
            lambda repository, query: repository.search(query),
        )
    except FHIRError:
        found = []
    if not found:
        raise Refused(later("There is no patient with this id."), "patient")
    return found[0].key


def _tell(connection: Connection, signed: Signed, patient: str) -> None:
    """Queue a mail to the patient, without a word of why: that stands in their access log."""
    theirs = select(account.c.email).where(account.c.fhir_user == f"Patient/{patient}")
    for row in connection.execute(theirs.where(account.c.disabled.is_(None))):
        mail.queue(
            connection,
            row.email,
            say("Your record was opened in an emergency"),
            say(
                "%(name)s has opened your record in an emergency.\n\n"
                "Who sees it, and why, stands under “Who saw your record” in your account.\n",
                name=signed.account.name or say("A clinician"),
            ),
        )


def _page(
    request: Request, signed: Signed, values: Mapping[str, str], refused: Refused | None = None
) -> Response:
    errors: dict[str, Any] = {refused.field: str(refused)} if refused else {}
    return own_page(
        request,
        signed,
        "break_glass.html",
        status=400 if refused else 200,
        values=values,
        errors=errors,
    )
