"""Prescriptions: written and signed by a practitioner, read by the patient, checked by anyone given the paper."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from fhir_server.codec import Resource
from fhir_server.instants import instant
from fhir_server.repository import Repository
from fhir_server.scheduling import records
from fhir_server.scheduling.people import name_of
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from smart_auth.wording import dated, say
from ui import documents, dosage, paper, uploads
from ui.day import PRACTITIONERS
from ui.dosage import Prescription
from ui.pages import concept, show
from ui.portal import ANYBODY, Portal, change, found, look, only
from ui.visits import PATIENTS

Sent = Annotated[Form, Depends(form)]
TYPE: Mapping[str, Any] = {
    "coding": [{"system": "http://loinc.org", "code": "57833-6"}],
    "text": "Prescription",
}
CODE = "urn:medconsult:verification"
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_GROUPS, _GROUP = 4, 4  # 20 letters of 31: 79 bits


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    _add_writing(router, portal)
    _add_reading(router, portal)
    return router


def _add_writing(router: APIRouter, portal: Portal) -> None:
    @router.get("/patients/{id_}/prescribe")
    @worded
    def ask(request: Request, id_: str) -> Response:
        signed = only(sessions.required(portal.auth, request), *PRACTITIONERS)
        patient = found(portal, signed, "Patient", id_)
        context = {"patient": patient, "written": Prescription(), "step": "write", "warnings": []}
        context["units"] = dosage.UNITS
        return show(portal, request, signed, "prescribe.html", context)

    @router.post("/patients/{id_}/prescribe")
    @worded
    def write(request: Request, id_: str, form: Sent) -> Response:
        """Show what was written as it will be read; sign it when that was seen."""
        signed = only(sessions.own_form(portal.auth, request, form), *PRACTITIONERS)
        patient = found(portal, signed, "Patient", id_)
        written, errors = dosage.read(form)
        if not errors and form.get("do") == "sign":
            sign(portal, signed, patient, written)
            return RedirectResponse(f"/patients/{id_}?done=prescription", 303)
        context = {
            "patient": patient,
            "units": dosage.UNITS,
            "written": written,
            "errors": errors,
            "step": "check" if not errors and form.get("do") == "check" else "write",
            "warnings": [] if errors else _warnings(portal, signed, id_, written),
        }
        return show(
            portal, request, signed, "prescribe.html", context, status=422 if errors else 200
        )


def _warnings(portal: Portal, signed: Signed, id_: str, written: Prescription) -> list[str]:
    def work(repository: Repository) -> list[str]:
        whose = ("patient", f"Patient/{id_}")
        return dosage.warnings(
            written,
            records.find(repository, "AllergyIntolerance", whose),
            records.find(repository, "MedicationRequest", whose, ("status", "active")),
        )

    return look(portal, signed, "AllergyIntolerance", work, id_)


def sign(portal: Portal, signed: Signed, patient: Resource, written: Prescription) -> Resource:
    """Store the request and its paper together; returns the DocumentReference."""
    code, now = new_code(), datetime.now(UTC)
    whose = f"Patient/{patient['id']}"
    requester = {"reference": signed.account.fhir_user, "display": signed.account.name}
    request = dosage.request_of(written, whose, requester, instant(now), str(uuid.uuid4()))

    def work(repository: Repository) -> Resource:
        made = records.create(repository, request)
        content = paper.pdf(
            "prescription_paper.html",
            patient=patient,
            prescriber=signed.account.name,
            requests=[made],
            date=dated(now, say("d MMMM yyyy")),
            code=code,
            address=f"{portal.auth.issuer}/check/{code}",
            qr=paper.qr(f"{portal.auth.issuer}/check/{code}"),
        )
        handed = documents.Handed(
            uploads.File(content, "application/pdf", f"prescription-{now:%Y-%m-%d}.pdf"),
            f"Prescription: {written.medicine}",
            type=TYPE,
        )
        document = documents.put(repository, signed.account.fhir_user, whose, handed)
        document["identifier"] = [{"system": CODE, "value": code}]
        document["context"] = {"related": [{"reference": f"MedicationRequest/{made['id']}"}]}
        return records.save(repository, document)

    return change(portal, signed, "MedicationRequest", work, whose)


def new_code() -> str:
    """Return a code that nobody guesses, in groups that are easily typed."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _add_reading(router: APIRouter, portal: Portal) -> None:
    @router.get("/prescriptions")
    @worded
    def listed(request: Request) -> Response:
        signed = only(sessions.required(portal.auth, request), *PATIENTS)
        papers = [
            documents.line(portal, signed, each) | {"code": _code(each)}
            for each in documents.listed(portal, signed)
            if concept(each.get("type")) == TYPE["text"]
        ]
        requests = look(portal, signed, "MedicationRequest", _requests)
        context = {"papers": papers, "requests": requests}
        return show(portal, request, signed, "prescriptions.html", context)

    @router.get("/check")
    def ask(request: Request) -> Response:
        code = request.query_params.get("code", "").strip().upper()
        if code:
            return RedirectResponse(f"/check/{code}", 303)
        return show(
            portal, request, sessions.current(portal.auth, request), "check.html", {"step": "ask"}
        )

    @router.get("/check/{code}")
    def check(request: Request, code: str) -> Response:
        signed = sessions.current(portal.auth, request)
        known = checked(portal, code)
        context = {"step": "found" if known else "unknown", "code": code, "known": known}
        return show(portal, request, signed, "check.html", context, status=200 if known else 404)


def _requests(repository: Repository) -> list[Resource]:
    return records.find(
        repository,
        "MedicationRequest",
        ("status", "active"),
        ("_sort", "-authoredon"),
    )


def checked(portal: Portal, code: str) -> Mapping[str, Any] | None:
    """Return what the paper of the code has to say, for who holds it; None when there is no such paper."""
    store = portal.auth.store.acting(ANYBODY)
    if store.access is not None:
        store.access.interaction, store.access.type = "operation", "DocumentReference"
        store.access.query = "check of a prescription"
    known = store.reading(lambda repository: _known(records.trusted(repository), code.upper()))
    store.end(200 if known else 404)
    return known


def _known(server: Repository, code: str) -> Mapping[str, Any] | None:
    documents_ = records.find(server, "DocumentReference", ("identifier", f"{CODE}|{code}"))
    if not documents_ or not code:
        return None
    document = documents_[0]
    requests: Sequence[Resource] = [
        records.read(server, "MedicationRequest", each["reference"].rpartition("/")[2])
        for each in document.get("context", {}).get("related", [])
    ]
    patient = records.read(server, "Patient", document["subject"]["reference"].rpartition("/")[2])
    words = name_of(patient).split()
    return {
        # Enough to compare with the paper in hand, and no more.
        "initials": " ".join(f"{each[0]}." for each in words),
        "date": document["date"],
        "prescriber": requests[0]["requester"].get("display", "") if requests else "",
        "requests": requests,
        "good": document["status"] == "current"
        and all(each["status"] == "active" for each in requests),
    }


def _code(document: Resource) -> str:
    listed = document.get("identifier", [])
    return next((each["value"] for each in listed if each.get("system") == CODE), "")
