"""How an appointment comes about and ends, by the operations; who may, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.access.principal import OPEN, Principal
from fhir_server.context import Store
from fhir_server.scheduling import appointments, booking, taking
from tests.fhir_server.access.practice import ADA, ADMIN, CLEO, LIND, MIA, OSEI, Door, app_of
from tests.fhir_server.scheduling import offers

MAY = app_of(ADA, "patient/*.cruds", "ada")


def parameters(**values: str) -> dict[str, Any]:
    listed = [{"name": name, "valueString": value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": listed}


def free(door: Door, **criteria: str) -> list[str]:
    query = "&".join(f"{name}={value}" for name, value in criteria.items())
    found = door.client.get(f"Appointment/$find?{query}")
    assert found.status == 200, found.body
    return [each["resource"]["id"] for each in found.json.get("entry", [])]


def hold(door: Door, who: Principal, slot: str, patient: str = "ada") -> Any:
    return door.as_(who).post(
        "Appointment/$hold", parameters(slot=f"Slot/{slot}", patient=f"Patient/{patient}")
    )


def step(door: Door, who: Principal, id_: str, code: str, **values: str) -> Any:
    return door.as_(who).post(f"Appointment/{id_}/${code}", parameters(**values))


def status(door: Door, id_: str) -> str:
    return str(door.as_(OPEN).get(f"Appointment/{id_}").json["status"])


def test_from_a_free_time_to_a_paid_appointment(door: Door, store: Store) -> None:
    slot = free(door, schedule="osei-video")[0]
    held = hold(door, ADA, slot)
    assert (held.status, held.json["status"]) == (200, "proposed")
    assert held.json["participant"][0]["status"] == "tentative"
    id_ = held.id
    assert slot not in free(door)
    assert step(door, ADA, id_, "confirm").json["status"] == "proposed"
    approved = step(door, OSEI, id_, "confirm")
    assert approved.json["status"] == "pending"
    assert step(door, ADA, id_, "confirm").status == 409, "only a payment confirms it"
    store.writing(lambda repository: booking.paid(repository, id_))
    assert status(door, id_) == "booked"
    assert step(door, OSEI, id_, "mark", status="fulfilled").json["status"] == "fulfilled"
    assert step(door, ADA, id_, "cancel").status == 409


def test_a_time_is_not_booked_twice_by_any_door(door: Door) -> None:
    slot = free(door)[0]
    held = hold(door, ADA, slot).json
    late = hold(door, CLEO, slot, "cleo")
    assert late.status == 409
    assert "next free times are" in late.said
    (coding,) = late.issues[0]["details"]["coding"]
    assert coding == {"system": "urn:medconsult:refusal", "code": "slot-taken"}
    again = {each: held[each] for each in ("start", "end")} | {
        "resourceType": "Appointment",
        "status": "booked",
        "participant": [
            {"actor": {"reference": "Practitioner/osei"}, "status": "accepted"},
            {"actor": {"reference": "Patient/cleo"}, "status": "accepted"},
        ],
    }
    by_rest = door.as_(OPEN).post("Appointment", again)
    assert (by_rest.status, by_rest.codes) == (409, ["conflict"])
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": again, "request": {"method": "POST", "url": "Appointment"}}],
    }
    assert door.as_(OPEN).post("", bundle).status == 409
    declined = again | {"participant": [again["participant"][1]]}
    assert door.as_(OPEN).post("Appointment", declined).status == 201, "cleo alone is free"


def test_what_another_system_books_is_no_longer_free(door: Door) -> None:
    slot = free(door)[3]
    times = door.as_(OPEN).get(f"Slot/{slot}").json
    door.client.stored(
        {
            "resourceType": "Appointment",
            "id": "from-ehr",
            "status": "booked",
            "start": times["start"],
            "end": times["end"],
            "participant": [{"actor": {"reference": "Practitioner/osei"}, "status": "accepted"}],
        }
    )
    assert slot not in free(door)
    assert hold(door, ADA, slot).status == 409
    door.as_(OPEN).delete("Appointment/from-ehr")
    assert slot in free(door)


def test_a_hold_that_has_run_out_is_cancelled_and_its_time_free(door: Door, store: Store) -> None:
    offers.open_(store, offers.schedule("lind", "instant", hold_minutes=0))
    slot = free(door, schedule="lind-video")[0]
    id_ = hold(door, CLEO, slot, "cleo").id
    assert store.writing(booking.expire) == 1
    assert store.writing(booking.expire) == 0
    ended = door.as_(CLEO).get(f"Appointment/{id_}").json
    assert ended["status"] == "cancelled"
    assert ended["cancelationReason"]["coding"][0]["code"] == "expired"
    assert slot in free(door)


def test_a_time_whose_hold_has_run_out_can_be_had_before_anybody_cleans_up(
    door: Door, store: Store
) -> None:
    offers.open_(store, offers.schedule("lind", "instant", hold_minutes=0))
    slot = free(door, schedule="lind-video")[0]
    held = hold(door, CLEO, slot, "cleo").json
    taken = {each: held[each] for each in ("start", "end")} | {
        "resourceType": "Appointment",
        "status": "booked",
        "participant": [{"actor": {"reference": "Practitioner/lind"}, "status": "accepted"}],
    }
    assert door.as_(OPEN).post("Appointment", taken).status == 201
    with pytest.raises(booking.Conflict):
        store.writing(lambda repository: booking.paid(repository, held["id"]))
    assert store.writing(booking.expire) == 1


def test_instant_and_free_need_no_approval(door: Door, store: Store) -> None:
    offers.open_(store, offers.schedule("lind", "instant"))
    id_ = hold(door, CLEO, free(door, schedule="lind-video")[0], "cleo").id
    assert step(door, CLEO, id_, "confirm").json["status"] == "pending"
    offers.open_(store, offers.schedule("lind", "free"))
    id_ = hold(door, CLEO, free(door, schedule="lind-video")[5], "cleo").id
    assert step(door, CLEO, id_, "confirm").json["status"] == "booked"


def test_moving_takes_the_new_time_and_frees_the_old(door: Door) -> None:
    first, second = free(door)[:2]
    id_ = hold(door, ADA, first).id
    step(door, ADA, id_, "confirm")
    step(door, OSEI, id_, "confirm")
    moved = step(door, ADA, id_, "reschedule", slot=second)
    assert moved.json["status"] == "proposed", "the practitioner has to approve again"
    assert first in free(door)
    assert second not in free(door)
    assert step(door, OSEI, id_, "confirm").json["status"] == "pending"
    other = hold(door, MIA, first, "ben").id
    assert step(door, ADA, id_, "reschedule", slot=first).status == 409
    assert status(door, other) == "proposed"
    assert second not in free(door), "what was not to be had leaves all as it was"


def test_who_may_not(door: Door) -> None:
    slot = free(door)[0]
    assert hold(door, CLEO, slot).status == 404, "not her patient"
    assert hold(door, app_of(ADA, "patient/*.rs", "ada"), slot).status == 403
    id_ = hold(door, MAY, slot).id
    step(door, ADA, id_, "confirm")
    assert step(door, CLEO, id_, "cancel").status == 404
    assert step(door, LIND, id_, "confirm").status == 404
    assert step(door, ADA, id_, "mark", status="fulfilled").status == 409
    booked = door.as_(ADA).get(f"Appointment/{id_}").json | {"status": "booked"}
    assert door.as_(ADA).put(f"Appointment/{id_}", booked).status == 403
    assert step(door, ADMIN, id_, "cancel", reason="Dr. Osei is ill").json["status"] == "cancelled"


def test_nobody_holds_all_there_is(door: Door) -> None:
    listed = free(door)
    answers = [hold(door, ADA, slot).status for slot in listed[: taking.MOST_OPEN + 1]]
    assert answers == [200] * taking.MOST_OPEN + [409]


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        ("Appointment/$hold", {}, 400),
        ("Appointment/$hold", {"slot": "none", "patient": "Patient/ada"}, 409),
        ("Appointment/$hold", {"slot": "none", "patient": "ada"}, 400),
        ("Appointment/none/$confirm", {}, 404),
        ("Appointment/none/$mark", {"status": "booked"}, 400),
    ],
)
def test_bad_input_is_answered_in_a_sentence(
    door: Door, path: str, said: dict[str, str], expected: int
) -> None:
    answer = door.as_(ADA).post(path, parameters(**said))
    assert answer.status == expected
    assert answer.said.endswith(".")
    assert door.client.get("Appointment/$find?start=soon").status == 400


def test_a_booked_visit_has_a_room_of_its_own(door: Door, store: Store) -> None:
    schedule = offers.schedule("lind", "free")
    room = "https://meet.example/{room}"
    schedule["extension"].append({"url": f"{offers.URN}meeting", "valueString": room})
    offers.open_(store, schedule)
    rooms = []
    for slot in free(door, schedule="lind-video")[:2]:
        held = hold(door, CLEO, slot, "cleo")
        assert appointments.room(held.json) == "", "there is none before it is booked"
        rooms.append(appointments.room(step(door, CLEO, held.id, "confirm").json))
    assert all(each.startswith("https://meet.example/") and len(each) > 40 for each in rooms)
    assert len(set(rooms)) == 2


def test_what_has_begun_the_patient_cannot_cancel_and_the_practice_can(door: Door) -> None:
    actors = ("Patient/ada", "Practitioner/osei")
    door.as_(OPEN).stored(
        {
            "resourceType": "Appointment",
            "id": "begun",
            "status": "booked",
            "start": "2026-01-05T09:00:00Z",
            "end": "2026-01-05T09:30:00Z",
            "participant": [
                {"actor": {"reference": each}, "status": "accepted"} for each in actors
            ],
        }
    )
    assert "has begun" in step(door, ADA, "begun", "cancel").said
    assert step(door, OSEI, "begun", "cancel").json["status"] == "cancelled"
