"""Resources that claim a profile of ours, or that our code relies on, are held to it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from fhir_server import codec, validation
from fhir_server.definitions.profiles import FILE, of_type, profiles
from fhir_server.extensions import PROFILE, claiming
from fhir_server.scheduling import slots
from fhir_server.scheduling.offer import offer_of
from fhir_server.validation import profiles as checking
from medconsult.demo import demo_records
from tests.fhir_server.scheduling import offers
from ui import dosage

Resource = dict[str, Any]
Change = Callable[[Resource], object]


def appointment() -> Resource:
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "participant": [
            {"actor": {"reference": "Patient/ada"}, "status": "accepted"},
            {"actor": {"reference": "Practitioner/osei"}, "status": "needs-action"},
        ],
        "extension": [
            {
                "url": f"{offers.URN}schedule",
                "valueReference": {"reference": "Schedule/osei-video"},
            }
        ],
        "requestedPeriod": [{"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}],
    }


def prescription() -> Resource:
    written = dosage.Prescription("Ramipril 5 mg tablet")
    who = {"reference": "Practitioner/osei"}
    return dosage.request_of(written, "Patient/ada", who, "2026-01-01T09:00:00Z", "g1")


def document() -> Resource:
    coding = {"system": "urn:medconsult:document-category", "code": "letter"}
    attachment = {"contentType": "application/pdf", "url": "Binary/1", "title": "letter.pdf"}
    return {
        "resourceType": "DocumentReference",
        "meta": claiming("document"),
        "status": "current",
        "category": [{"coding": [coding]}],
        "subject": {"reference": "Patient/ada"},
        "date": "2026-01-01T09:00:00Z",
        "author": [{"reference": "Patient/ada"}],
        "description": "A letter",
        "content": [{"attachment": attachment}],
    }


def cancel(found: Resource, system: str, code: str) -> None:
    found["status"] = "cancelled"
    found["cancelationReason"] = {"coding": [{"system": system, "code": code}]}


HL7 = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
WRONG: list[tuple[Callable[[], Resource], str, str, Change]] = [
    (appointment, "Appointment.participant", "required", lambda r: r["participant"].pop()),
    (
        appointment,
        "Appointment.participant[0].actor",
        "required",
        lambda r: (
            r["participant"][0].update(type=[{"text": "x"}], actor=None)
            or r["participant"][0].pop("actor")
        ),
    ),
    (
        appointment,
        "Appointment.requestedPeriod[0].end",
        "required",
        lambda r: r["requestedPeriod"][0].pop("end"),
    ),
    (
        appointment,
        "Appointment.cancelationReason",
        "code-invalid",
        lambda r: cancel(r, "urn:medconsult:cancellation", "whim"),
    ),
    (
        appointment,
        "Appointment.cancelationReason",
        "code-invalid",
        lambda r: r.update(status="cancelled", cancelationReason={"text": "no code at all"}),
    ),
    (offers.schedule, "Schedule.active", "required", lambda r: r.pop("active")),
    (offers.schedule, "Schedule.serviceType", "required", lambda r: r.pop("serviceType")),
    (
        prescription,
        "MedicationRequest.intent",
        "value",
        lambda r: r.update(intent="plan"),
    ),
    (
        prescription,
        "MedicationRequest.medicationReference",
        "structure",
        lambda r: (
            r.pop("medicationCodeableConcept")
            and r.update(medicationReference={"display": "Ramipril"})
        ),
    ),
    (
        prescription,
        "MedicationRequest.dosageInstruction",
        "structure",
        lambda r: r["dosageInstruction"].append({"text": "and more"}),
    ),
    (
        document,
        "DocumentReference.content[0].attachment.contentType",
        "code-invalid",
        lambda r: r["content"][0]["attachment"].update(contentType="text/html"),
    ),
    (document, "DocumentReference.author", "required", lambda r: r.pop("author")),
]


@pytest.mark.parametrize(("make", "place", "code", "change"), WRONG)
def test_what_does_not_meet_the_profile_is_refused_with_its_place(
    make: Callable[[], Resource], place: str, code: str, change: Change
) -> None:
    resource = copy.deepcopy(make())
    assert validation.validate(resource) == []
    change(resource)
    issues = validation.validate(resource)
    assert (place, code) in [(each.expression, each.code) for each in issues]
    assert all(each.diagnostics.startswith(PROFILE) for each in issues)


def test_hl7s_reasons_are_taken_too() -> None:
    resource = appointment()
    cancel(resource, HL7, "pat-cpp")
    assert validation.validate(resource) == []


def test_what_claims_nothing_of_ours_is_left_alone() -> None:
    resource = document()
    for name in ("author", "description"):
        del resource[name]
    resource["meta"] = {"profile": ["http://other.example/profile"]}
    assert validation.validate(resource) == []
    theirs = appointment()
    del theirs["extension"], theirs["participant"][1]
    assert validation.validate(theirs) == []


def test_a_profile_of_another_type_is_refused() -> None:
    resource = {"resourceType": "Patient", "meta": claiming("document")}
    (issue,) = validation.validate(resource)
    assert issue.expression == "Patient.meta.profile"


def test_the_definitions_are_r4_themselves_and_name_what_there_is() -> None:
    bundle = codec.decode(FILE.read_bytes())
    assert validation.validate(bundle) == []
    assert of_type("Invoice") == [f"{PROFILE}invoice"]
    assert {each for _, each in checking.MARKED.values()} <= profiles().keys()


def test_what_our_own_code_makes_meets_them() -> None:
    made = demo_records(date(2026, 11, 25))
    for record in made:
        assert validation.validate(record) == [], record
    claimed = {url for each in made for url in each.get("meta", {}).get("profile", [])}
    offer = offer_of(offers.schedule())
    slot = slots._slot(offer, datetime(2026, 11, 26, 9, tzinfo=UTC))
    assert validation.validate(slot) == []
    assert claimed == {
        f"{PROFILE}{name}"
        for name in ("fee", "practitioner", "practitioner-role", "schedule", "appointment")
    }
