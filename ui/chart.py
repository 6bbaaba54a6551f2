"""A patient's chart for who treats them: one page that scrolls, written where one reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Request, Response, UploadFile
from fastapi import Form as Field
from fastapi.responses import RedirectResponse

from fhir_server.codec import Resource
from fhir_server.errors import FHIRError
from fhir_server.instants import instant
from fhir_server.repository import Repository
from fhir_server.scheduling import records
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from smart_auth.wording import later
from ui import documents, uploads
from ui.day import PRACTITIONERS
from ui.pages import concept, show
from ui.paging import Pages, Part
from ui.portal import Portal, change, found, look, missing, only
from ui.uploads import Unacceptable
from ui.visits import visit_of

Sent = Annotated[Form, Depends(form)]
PAGE = 50
MOST_MEASURED = 300
LONGEST_NOTE = 10_000
VITALS = (
    ("8480-6", later("Systolic blood pressure")),
    ("8462-4", later("Diastolic blood pressure")),
    ("8867-4", later("Heart rate")),
    ("29463-7", later("Body weight")),
    ("2345-7", "Glucose"),
)
_DATES: Mapping[str, str] = {
    "Condition": "onsetDateTime",
    "AllergyIntolerance": "recordedDate",
    "MedicationRequest": "authoredOn",
    "Appointment": "start",
    "ClinicalImpression": "date",
    "DocumentReference": "date",
}
"""What the chart lists, and by which element the newest comes first."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Values of one measure over time, drawn as a small picture with a table beneath."""

    words: str
    unit: str
    points: Sequence[tuple[str, float]]
    """Day and value, the oldest first."""
    path: str
    """Of an SVG 200 wide and 40 high."""


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/patients")
    @worded
    def listed(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *PRACTITIONERS)
        words = request.query_params.get("name", "").split()[:4]
        criteria = [("name", each) for each in words]
        cut = Pages(request, PAGE).cut

        def work(repository: Repository) -> Part[Resource]:
            return cut(records.walk(repository, "Patient", *criteria, ("_sort", "family")))

        pages = look(portal, signed, "Patient", work)
        context = {"patients": pages.items, "pages": pages, "words": " ".join(words)}
        return show(portal, request, signed, "patients.html", context)

    @router.get("/patients/{id_}")
    @worded
    def chart(request: Request, id_: str) -> Response:
        signed = only(sessions.required(portal.auth, request), *PRACTITIONERS)
        return chart_page(portal, request, signed, id_)

    _add_notes(router, portal)
    _add_documents(router, portal)
    return router


def chart_page(
    portal: Portal, request: Request, signed: Signed, id_: str, error: str = "", status: int = 200
) -> Response:
    patient = found(portal, signed, "Patient", id_)
    context = {
        "categories": documents.CATEGORIES,
        "patient": patient,
        **_known(portal, signed, id_),
        "error": error,
        "visit": request.query_params.get("visit", ""),
        "added": request.query_params.get("done", ""),
        "issuer": portal.auth.issuer,
    }
    return show(portal, request, signed, "chart.html", context, status=status)


def _known(portal: Portal, signed: Signed, id_: str) -> dict[str, Any]:
    """Return what the chart shows, by one visit to the records."""

    def work(repository: Repository) -> dict[str, Any]:
        whose = ("patient", f"Patient/{id_}")
        lists = records.find_all(repository, list(_DATES), whose)
        for type_, name in _DATES.items():
            lists[type_].sort(key=_by(name), reverse=True)
        return {
            "conditions": lists["Condition"],
            "allergies": lists["AllergyIntolerance"],
            "medicines": [
                each for each in lists["MedicationRequest"] if each["status"] == "active"
            ],
            "visits": [visit_of(each) for each in lists["Appointment"]],
            "notes": lists["ClinicalImpression"],
            "documents": [
                documents.line(portal, signed, each)
                for each in lists["DocumentReference"]
                if each["status"] == "current"
            ],
            "curves": curves(repository, id_),
        }

    return look(portal, signed, "Patient", work, id_)


def _by(name: str) -> Callable[[Resource], str]:
    return lambda resource: str(resource.get(name, ""))


def curves(repository: Repository, patient: str) -> list[Curve]:
    codes = ",".join(f"http://loinc.org|{code}" for code, _ in VITALS)
    observations = records.first(
        repository,
        MOST_MEASURED,
        "Observation",
        ("patient", f"Patient/{patient}"),
        ("code", codes),
        ("_sort", "-date"),
    )
    return [
        curve
        for code, words in VITALS
        if (curve := _curve(words, [each for each in observations if _has_code(each, code)]))
    ]


def _has_code(observation: Resource, code: str) -> bool:
    return any(each.get("code") == code for each in observation["code"].get("coding", []))


def _curve(words: str, observations: Sequence[Resource]) -> Curve | None:
    points = sorted(
        (str(each.get("effectiveDateTime", ""))[:10], float(each["valueQuantity"]["value"]))
        for each in observations
        if "value" in each.get("valueQuantity", {})
    )
    if not points:
        return None
    unit = observations[0]["valueQuantity"].get("unit", "")
    return Curve(words, unit, points, _path([value for _, value in points]))


def _path(values: Sequence[float]) -> str:
    """Return the line through the values, scaled to 200 by 40 with room for its width."""
    low, high = min(values), max(values)
    span = high - low or 1.0
    step = 196 / max(len(values) - 1, 1)
    places = [(2 + step * n, 38 - 36 * (value - low) / span) for n, value in enumerate(values)]
    if len(places) == 1:
        places.append((198, places[0][1]))
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _add_notes(router: APIRouter, portal: Portal) -> None:
    @router.post("/patients/{id_}/notes")
    @worded
    def note(request: Request, id_: str, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *PRACTITIONERS)
        words = form.get("note", "").strip()[:LONGEST_NOTE]
        if not words:
            return chart_page(portal, request, signed, id_, later("Write something first."), 422)
        resource = {
            "resourceType": "ClinicalImpression",
            "status": "completed",
            "subject": {"reference": f"Patient/{id_}"},
            "date": instant(datetime.now(UTC)),
            "assessor": {"reference": signed.account.fhir_user, "display": signed.account.name},
            "summary": words,
        }
        _written(portal, signed, "ClinicalImpression", resource)
        return RedirectResponse(f"/patients/{id_}?done=note#notes", 303)


def _add_documents(router: APIRouter, portal: Portal) -> None:
    @router.post("/patients/{id_}/documents")
    @worded
    def document(
        request: Request,
        id_: str,
        csrf: Annotated[str, Field()] = "",
        category: Annotated[str, Field()] = "other",
        description: Annotated[str, Field()] = "",
        file: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        signed = only(sessions.own_form(portal.auth, request, {"csrf": csrf}), *PRACTITIONERS)
        try:
            kept = uploads.sent(portal, signed, file)
        except Unacceptable as refusal:
            return chart_page(portal, request, signed, id_, str(refusal), 422)
        handed = documents.Handed(kept, description.strip()[:200] or kept.name, category)
        try:
            documents.store(portal, signed, f"Patient/{id_}", handed)
        except FHIRError:
            raise missing() from None
        return RedirectResponse(f"/patients/{id_}?done=document#documents", 303)


def _written(portal: Portal, signed: Signed, type_: str, resource: Resource) -> Resource:
    return change(portal, signed, type_, lambda r: records.create(r, resource))


def medicine(request: Resource) -> str:
    """Return the words of what is prescribed."""
    return concept(request.get("medicationCodeableConcept")) or request.get(
        "medicationReference", {}
    ).get("display", "Medicine")
