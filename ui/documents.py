"""Documents of a record: handed over, looked at by links that end, taken back by who added them."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Request, Response, UploadFile
from fastapi import Form as Field
from fastapi.responses import RedirectResponse

from fhir_server import extensions
from fhir_server.codec import Resource
from fhir_server.errors import FHIRError
from fhir_server.instants import instant
from fhir_server.repository import Repository
from fhir_server.scheduling import records
from smart_auth import sessions
from smart_auth.auth import Auth
from smart_auth.bodies import Form, form
from smart_auth.pages import Stop, worded
from smart_auth.sessions import Signed
from smart_auth.wording import later, say
from ui import uploads
from ui.pages import concept, served, show
from ui.paging import Pages
from ui.portal import Portal, change, found, look, missing, only
from ui.uploads import Unacceptable
from ui.visits import PATIENTS, own_patients

CATEGORIES: Mapping[str, str] = {
    "letter": later("Letter"),
    "result": later("Result"),
    "picture": later("Picture"),
    "other": later("Other"),
}
CATEGORY = "urn:medconsult:document-category"
LINK_S = 300
PAGE = 100
Sent = Annotated[Form, Depends(form)]


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_list(router, portal)
    _add_delete(router, portal)
    _add_file(router, portal)
    return router


def _add_list(router: APIRouter, portal: Portal) -> None:
    @router.get("/documents")
    @worded
    def listed(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *PATIENTS)
        return _page(portal, request, signed)

    @router.post("/documents")
    @worded
    def add(
        request: Request,
        csrf: Annotated[str, Field()] = "",
        patient: Annotated[str, Field()] = "",
        category: Annotated[str, Field()] = "other",
        description: Annotated[str, Field()] = "",
        file: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        signed = only(sessions.own_form(portal.auth, request, {"csrf": csrf}), *PATIENTS)
        whose = patient or signed.account.fhir_user
        try:
            kept = uploads.sent(portal, signed, file)
        except Unacceptable as refusal:
            return _page(portal, request, signed, {"file": str(refusal)}, 422)
        handed = Handed(kept, description.strip()[:200] or kept.name, category)
        try:
            store(portal, signed, whose, handed)
        except FHIRError as refusal:
            return _page(portal, request, signed, {"file": str(refusal)}, refusal.status)
        return RedirectResponse("/documents?done=added", 303)


def _add_delete(router: APIRouter, portal: Portal) -> None:
    @router.post("/documents/{id_}/delete")
    @worded
    def delete(request: Request, id_: str, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *PATIENTS)
        change(portal, signed, "DocumentReference", lambda r: _take_back(r, id_), id_)
        return RedirectResponse("/documents?done=deleted", 303)


def _page(
    portal: Portal,
    request: Request,
    signed: Signed,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    notes = {
        "added": later("The document is there. Your doctor can see it."),
        "deleted": later("Deleted."),
    }
    pages = Pages(request, PAGE).cut(listed(portal, signed))
    context = {
        "documents": [line(portal, signed, each) for each in pages.items],
        "pages": pages,
        "patients": own_patients(portal, signed),
        "categories": CATEGORIES,
        "errors": errors or {},
        "note": notes.get(request.query_params.get("done", ""), ""),
        "largest": uploads.LARGEST // 2**20,
    }
    return show(portal, request, signed, "documents.html", context, status=status)


def listed(portal: Portal, signed: Signed, patient: str = "") -> list[Resource]:
    """Return the documents that the person may see, newest first."""
    criteria = [("patient", patient)] if patient else []
    return look(
        portal,
        signed,
        "DocumentReference",
        lambda r: records.find(
            r,
            "DocumentReference",
            *criteria,
            ("status", "current"),
            ("_sort", "-date"),
        ),
    )


def line(portal: Portal, signed: Signed, document: Resource) -> dict[str, Any]:
    attachment = document["content"][0]["attachment"]
    return {
        "id": document["id"],
        "words": document.get("description") or attachment.get("title") or say("Document"),
        "category": concept(document.get("category", [])) or concept(document.get("type")),
        "date": document.get("date", ""),
        "type": attachment.get("contentType", ""),
        "link": link(portal.auth, signed, document["id"]),
        "own": any(
            each.get("reference") == signed.account.fhir_user for each in document.get("author", [])
        ),
    }


@dataclass(frozen=True, slots=True)
class Handed:
    """A file that is handed over, and what is said of it."""

    file: uploads.File
    words: str
    category: str = "other"
    type: Mapping[str, Any] | None = None
    """CodeableConcept."""


def store(portal: Portal, signed: Signed, patient: str, handed: Handed) -> Resource:
    """Keep a file as Binary and DocumentReference, as who is signed in; FHIRError when they may not."""
    author = signed.account.fhir_user
    return change(
        portal,
        signed,
        "DocumentReference",
        lambda r: put(r, author, patient, handed),
    )


def put(repository: Repository, author: str, patient: str, handed: Handed) -> Resource:
    """Keep a file, in the caller's transaction."""
    binary = uploads.keep(repository, handed.file, patient)
    now = instant(datetime.now(UTC))
    attachment = {
        "contentType": handed.file.type,
        "url": f"Binary/{binary}",
        "title": handed.file.name,
        "size": len(handed.file.content),
        "creation": now,
    }
    code = handed.category if handed.category in CATEGORIES else "other"
    coding = [{"system": CATEGORY, "code": code, "display": CATEGORIES[code]}]
    document = {
        "resourceType": "DocumentReference",
        "meta": extensions.claiming("document"),
        "status": "current",
        **({"type": handed.type} if handed.type else {}),
        "category": [{"coding": coding}],
        "subject": {"reference": patient},
        "date": now,
        "author": [{"reference": author}],
        "description": handed.words,
        "content": [{"attachment": attachment}],
    }
    return records.create(repository, document)


def _take_back(repository: Repository, id_: str) -> None:
    document = records.read(repository, "DocumentReference", id_)
    repository.delete("DocumentReference", id_)
    url = document["content"][0]["attachment"].get("url", "")
    if url.startswith("Binary/"):
        records.trusted(repository).delete("Binary", url.removeprefix("Binary/"))


# Links that end


def link(auth: Auth, signed: Signed, id_: str) -> str:
    """Return a link to the file, good for this session and five minutes."""
    until = int(time.time()) + LINK_S
    return f"/files/{quote(id_)}?until={until}&sign={_sign(auth, signed, id_, until)}"


def _sign(auth: Auth, signed: Signed, id_: str, until: int) -> str:
    said = f"file {id_} {until} ".encode() + signed.hash
    return hmac.new(auth.keys.secret, said, hashlib.sha256).hexdigest()


def _add_file(router: APIRouter, portal: Portal) -> None:
    @router.get("/files/{id_}")
    @worded
    def file(request: Request, id_: str, until: int = 0, sign: str = "") -> Response:
        signed = sessions.required(portal.auth, request)
        good = hmac.compare_digest(_sign(portal.auth, signed, id_, until).encode(), sign.encode())
        if not good or until < time.time():
            raise Stop(
                410,
                later("This link has ended"),
                later("Go back to the list and open the document again."),
                link=("/", "Home"),
            )
        document = found(portal, signed, "DocumentReference", id_)
        content, type_, name = content_of(portal, document)
        return served(content, type_, name)


def content_of(portal: Portal, document: Resource) -> tuple[bytes, str, str]:
    """Return content, media type and name of a document's file; a page that says so when it has none."""
    attachment = document["content"][0]["attachment"]
    kind, _, id_ = attachment.get("url", "").rpartition("/")
    if kind != "Binary":
        raise missing()
    file = uploads.kept(portal, id_)
    name = attachment.get("title", "document")
    return file.content, file.type, name
