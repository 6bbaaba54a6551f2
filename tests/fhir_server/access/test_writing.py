"""What may be written, by whom: the new content and what it replaces both have to be theirs."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.principal import OPEN, Principal
from tests.fhir_server.access.practice import ADA, ADMIN, CLEO, LIND, OSEI, Door, app_of, service
from tests.http import entry


def observation(patient: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Pulse"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (OSEI, 201),
        (OPEN, 201),
        (service("system/Observation.c"), 201),
        (app_of(OSEI, "user/Observation.cruds"), 201),
        (app_of(OSEI, "user/Observation.write"), 201),
        (LIND, 403),
        (ADA, 403),
        (ADMIN, 403),
        (app_of(OSEI, "user/Observation.rs"), 403),
        (app_of(OSEI, "patient/Observation.c", "ben"), 403),
        (service("system/Observation.rs"), 403),
    ],
)
def test_an_observation_is_made_by_those_who_treat(door: Door, who: Principal, status: int) -> None:
    before = door.as_(OPEN).total_versions()
    assert door.as_(who).post("Observation", observation("ada")).status == status
    assert door.as_(OPEN).total_versions() == before + (status == 201)


def test_a_clinician_changes_and_deletes_what_is_their_patients(door: Door) -> None:
    client = door.as_(OSEI)
    assert client.put("List/list-ada", client.get("List/list-ada").json).status == 200
    assert client.delete("List/list-ada").status == 204
    other = door.as_(OPEN).get("List/list-cleo").json
    assert door.as_(OSEI).put("List/list-cleo", other).status == 403
    assert door.as_(OSEI).delete("List/list-cleo").status == 403
    patch = [{"op": "replace", "path": "/status", "value": "retired"}]
    assert door.as_(OSEI).patch("List/list-cleo", patch).status == 404


def test_nobody_makes_a_stranger_their_patient_by_writing(door: Door) -> None:
    visit = {
        "resourceType": "Appointment",
        "status": "proposed",
        "participant": [
            {"actor": {"reference": f"Patient/{name}"}, "status": "needs-action"}
            for name in ("ada", "cleo")
        ]
        + [{"actor": {"reference": "Practitioner/osei"}, "status": "accepted"}],
    }
    assert door.as_(OSEI).post("Appointment", visit).status == 403
    alone = {**visit, "participant": visit["participant"][1:]}
    assert door.as_(OSEI).post("Appointment", alone).status == 403
    mine = {**visit, "participant": [visit["participant"][0], visit["participant"][2]]}
    assert door.as_(OSEI).post("Appointment", mine).status == 201
    assert door.as_(OSEI).get("Patient/cleo").status == 404


def test_a_record_is_not_moved_to_or_from_a_stranger(door: Door) -> None:
    mine = door.as_(OSEI).get("List/list-ada").json
    assert (
        door.as_(OSEI)
        .put("List/list-ada", {**mine, "subject": {"reference": "Patient/cleo"}})
        .status
        == 403
    )
    theirs = door.as_(OPEN).get("List/list-cleo").json
    stolen = {**theirs, "subject": {"reference": "Patient/ada"}}
    assert door.as_(OSEI).put("List/list-cleo", stolen).status == 403


def test_a_patient_adds_their_own_papers_in_their_own_name(door: Door) -> None:
    paper = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": "Patient/ada"},
        "author": [{"reference": "Patient/ada"}],
        "content": [{"attachment": {"contentType": "text/plain", "data": "aGk="}}],
    }
    client = door.as_(ADA)
    made = client.post("DocumentReference", paper)
    assert made.status == 201
    assert client.delete(f"DocumentReference/{made.id}").status == 204
    forged = {**paper, "author": [{"reference": "Practitioner/osei"}]}
    assert client.post("DocumentReference", forged).status == 403
    other = {**paper, "subject": {"reference": "Patient/cleo"}}
    assert client.post("DocumentReference", other).status == 403


def test_a_transaction_is_refused_as_a_whole(door: Door) -> None:
    before = door.as_(OPEN).total_versions()
    answer = door.as_(OSEI).transaction(
        entry("POST", "Observation", observation("ada")),
        entry("POST", "Observation", observation("cleo")),
    )
    assert answer.status == 403
    assert door.as_(OPEN).total_versions() == before
    fine = door.as_(OSEI).transaction(
        entry("POST", "Observation", observation("ada")),
        entry("POST", "Observation", observation("ben")),
    )
    assert fine.status == 200


def test_a_transaction_overwrites_no_stranger(door: Door) -> None:
    theirs = door.as_(OPEN).get("List/list-cleo").json
    mine = {**theirs, "subject": {"reference": "Patient/ada"}}
    answer = door.as_(OSEI).transaction(entry("PUT", "List/list-cleo", mine))
    assert answer.status == 403
    assert door.as_(OPEN).get("List/list-cleo").json["subject"]["reference"] == "Patient/cleo"
    assert door.as_(OSEI).transaction(entry("DELETE", "List/list-cleo")).status == 403


def test_conditional_writes_find_only_what_may_be_seen(door: Door) -> None:
    criteria = "subject=Patient/cleo&status=current"
    client = door.as_(OSEI)
    assert client.delete(f"List?{criteria}").status == 204
    assert door.as_(OPEN).get("List/list-cleo").status == 200
    assert door.as_(CLEO).get("List/list-cleo").status == 200
    patch = [{"op": "replace", "path": "/status", "value": "retired"}]
    assert door.as_(OSEI).patch(f"List?{criteria}", patch).status == 404
    mine = door.as_(OSEI).patch("List?subject=Patient/ada&status=current", patch)
    assert mine.status == 200


def test_a_refused_delete_names_no_hidden_referrer(door: Door) -> None:
    answer = door.as_(ADMIN).delete("Practitioner/osei")
    assert answer.status == 409
    assert "refer to it: others" in answer.said
    answer = door.as_(OSEI).delete("Encounter/visit-ada")
    assert answer.status == 409
    assert "Observation/laboratory-ada, Observation/vital-signs-ada" in answer.said
    assert "Encounter/visit-ada" in door.as_(OPEN).delete("Practitioner/osei").said
