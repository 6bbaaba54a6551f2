"""/profile: the picture that others see of a person, and what a practitioner says of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Request, Response, UploadFile
from fastapi import Form as Field
from fastapi.responses import RedirectResponse

from fhir_server import extensions
from fhir_server.codec import Resource
from fhir_server.extensions import EXTENSION
from fhir_server.repository import Repository
from fhir_server.scheduling import records
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from smart_auth.wording import later
from ui import uploads
from ui.pages import picture_of, served, show
from ui.portal import Portal, change, found, missing, only
from ui.uploads import Unacceptable

Sent = Annotated[Form, Depends(form)]
SHOWN = ("patient", "practitioner")
"""Roles of people who have a picture."""
KEPT_S = 24 * 3600
LONGEST = 1000
_BCP47 = "urn:ietf:bcp:47"
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "ar": later("Arabic"),
        "bg": later("Bulgarian"),
        "zh": later("Chinese"),
        "hr": later("Croatian"),
        "cs": later("Czech"),
        "da": later("Danish"),
        "nl": later("Dutch"),
        "en": later("English"),
        "fi": later("Finnish"),
        "fr": later("French"),
        "de": later("German"),
        "el": later("Greek"),
        "he": later("Hebrew"),
        "hi": later("Hindi"),
        "hu": later("Hungarian"),
        "it": later("Italian"),
        "ja": later("Japanese"),
        "ko": later("Korean"),
        "no": later("Norwegian"),
        "fa": later("Persian"),
        "pl": later("Polish"),
        "pt": later("Portuguese"),
        "ro": later("Romanian"),
        "ru": later("Russian"),
        "sr": later("Serbian"),
        "es": later("Spanish"),
        "sv": later("Swedish"),
        "tr": later("Turkish"),
        "uk": later("Ukrainian"),
        "ur": later("Urdu"),
        "vi": later("Vietnamese"),
    }
)


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_pages(router, portal)
    _add_picture(router, portal)
    return router


def _add_pages(router: APIRouter, portal: Portal) -> None:
    @router.get("/profile")
    @worded
    def ask(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *SHOWN)
        return _page(portal, request, signed)

    @router.post("/profile")
    @worded
    def describe(request: Request, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), "practitioner")
        _save(portal, signed, lambda person: described(person, form))
        return RedirectResponse("/profile?done=1", 303)


def _add_picture(router: APIRouter, portal: Portal) -> None:
    @router.post("/profile/picture")
    @worded
    def take(
        request: Request,
        csrf: Annotated[str, Field()] = "",
        do: Annotated[str, Field()] = "",
        file: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        signed = only(sessions.own_form(portal.auth, request, {"csrf": csrf}), *SHOWN)
        try:
            sent = None if do == "remove" else uploads.sent(portal, signed, file)
            picture = uploads.File(uploads.portrait(sent), "image/jpeg") if sent else None
        except Unacceptable as refusal:
            return _page(portal, request, signed, {"file": str(refusal)})
        change(portal, signed, "Binary", lambda r: _show(r, signed.account.fhir_user, picture))
        return RedirectResponse("/profile?done=1", 303)

    @router.get("/people/{type_}/{id_}/{picture}")
    @worded
    def picture(request: Request, type_: str, id_: str, picture: str) -> Response:
        """Serve a picture to whom the person's own record is shown."""
        if type_ not in ("Patient", "Practitioner"):
            raise missing()
        person = found(portal, sessions.current(portal.auth, request), type_, id_)
        if picture_of(person) != f"/people/{type_}/{id_}/{picture}":
            raise missing()
        kept = uploads.kept(portal, picture)
        answer = served(kept.content, kept.type, "picture.jpg")
        # Another picture has another address.
        answer.headers["Cache-Control"] = f"private, max-age={KEPT_S}, immutable"
        return answer


def described(person: Resource, form: Mapping[str, str]) -> Resource:
    """Return the practitioner with what the form says; languages that it does not list stay."""
    spoken = [
        each
        for each in person.get("communication", [])
        if not any(coding.get("code") in LANGUAGES for coding in each.get("coding", []))
    ]
    spoken += [
        {"coding": [{"system": _BCP47, "code": code}], "text": words}
        for code, words in LANGUAGES.items()
        if f"speaks-{code}" in form
    ]
    biography = form.get("biography", "").strip()[:LONGEST]
    learned = form.get("qualification", "").strip()[:200]
    made = {name: value for name, value in person.items() if name != "communication"}
    made |= {"communication": spoken} if spoken else {}
    extensions.put(
        made, f"{EXTENSION}biography", {"valueMarkdown": biography} if biography else None
    )
    others = person.get("qualification", [])[1:]
    qualification = [*([{"code": {"text": learned}}] if learned else []), *others]
    rest = {name: value for name, value in made.items() if name != "qualification"}
    return rest | ({"qualification": qualification} if qualification else {})


# Within


def _page(
    portal: Portal, request: Request, signed: Signed, errors: Mapping[str, str] | None = None
) -> Response:
    type_, _, id_ = signed.account.fhir_user.rpartition("/")
    person = found(portal, signed, type_, id_)
    learned: dict[str, Any] = next(iter(person.get("qualification", [])), {})
    context = {
        "person": person,
        "languages": LANGUAGES,
        "speaks": {
            coding.get("code")
            for each in person.get("communication", [])
            for coding in each.get("coding", [])
        },
        "values": {
            "biography": extensions.text(person, "biography"),
            "qualification": learned.get("code", {}).get("text", ""),
        },
        "saved": request.query_params.get("done") == "1" and not errors,
        "largest": uploads.LARGEST // 2**20,
        "errors": errors or {},
    }
    return show(portal, request, signed, "profile.html", context, status=422 if errors else 200)


def _save(portal: Portal, signed: Signed, work: Any) -> None:
    type_, _, id_ = signed.account.fhir_user.rpartition("/")
    change(
        portal,
        signed,
        type_,
        lambda r: records.save(r, work(records.read(r, type_, id_))),
        id_,
    )


def _show(repository: Repository, user: str, picture: uploads.File | None) -> None:
    """Put the picture in the place of the one before; None for no picture."""
    type_, _, id_ = user.rpartition("/")
    person = records.read(repository, type_, id_)
    before = picture_of(person).rpartition("/")[2]
    rest = {name: value for name, value in person.items() if name != "photo"}
    if picture is not None:
        url = f"Binary/{uploads.keep(repository, picture, user)}"
        rest["photo"] = [{"contentType": picture.type, "url": url}]
    records.save(repository, rest)
    if before:
        records.trusted(repository).delete("Binary", before)
