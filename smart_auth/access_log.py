"""/auth/access-log: who looked at or changed a person's record, out of the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from fhir_server import codec
from fhir_server.errors import FHIRError
from smart_auth import offers, sessions
from smart_auth.auth import Auth
from smart_auth.pages import Stop, worded
from smart_auth.record import looked
from smart_auth.sessions import Signed, own_page
from smart_auth.wording import later, say, within

PATH = "/auth/access-log"
_COUNT = 50
ASKED = ("patient", "agent", "date")
"""Search parameters of AuditEvent that the page takes: for administrators, who see all."""
_DID = {
    "C": later("added"),
    "R": later("read"),
    "U": later("changed"),
    "D": later("deleted"),
    "E": later("looked for"),
}


@dataclass(frozen=True, slots=True)
class Line:
    when: datetime
    who: str
    app: str
    did: str
    what: str
    refused: bool


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    @worded
    def show(request: Request) -> Response:
        signed = sessions.required(auth, request)
        asked = {name: request.query_params.get(name, "").strip() for name in ASKED}
        lines, following = _read(auth, signed, asked, request.query_params.get("page"))
        shown = {"lines": lines, "following": following, "asked": asked}
        shown["more"] = urlencode({name: value for name, value in asked.items() if value})
        return own_page(request, signed, "access_log.html", **shown)

    return router


def _read(
    auth: Auth, signed: Signed, asked: Mapping[str, str], token: str | None
) -> tuple[list[Line], str]:
    """Return a page of lines, newest first, and the token of the next, "" after the last."""
    try:
        page = looked(
            auth,
            sessions.principal(signed),
            "AuditEvent",
            [*((name, value) for name, value in asked.items() if value), ("_count", str(_COUNT))],
            lambda repository, query: repository.page(query, token, None),
        )
    except FHIRError as refusal:
        raise Stop(refusal.status, later("There is nothing to show"), str(refusal)) from None
    events = [codec.decode((row.version.content or "").encode()) for row in page.rows]
    return [_line(event) for event in events], page.next


def _line(event: Any) -> Line:
    people = [each for each in event["agent"] if each.get("name")]
    apps = [each["who"]["display"] for each in event["agent"] if not each.get("name")]
    named = [
        each["what"].get("reference", "") for each in event.get("entity", []) if "what" in each
    ]
    kinds = {name.partition("/")[0] for name in named if "/" in name}
    what = sorted(within(offers.words_of(kind)) for kind in kinds - {"Patient"})
    return Line(
        when=datetime.fromisoformat(event["recorded"]),
        who=people[0]["name"] if people else "",
        app=apps[0] if apps else "",
        did=say(_DID.get(event["action"], _DID["E"])),
        what=", ".join(what) or say("the record"),
        refused=event["outcome"] != "0",
    )
