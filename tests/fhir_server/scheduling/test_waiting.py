"""The waiting list: the first in line is offered what becomes free, for a while, and then the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from fhir_server.access.principal import OPEN, Principal
from fhir_server.context import Store
from fhir_server.instants import instant, moment
from fhir_server.scheduling import booking, records, waiting
from medconsult import chores
from tests.fhir_server.access.practice import ADA, ADMIN, CLEO, MIA, OSEI, Door, app_of
from tests.fhir_server.scheduling import offers
from tests.fhir_server.scheduling.test_booking import free, hold, parameters, status, step

NOW = datetime.now(UTC)
OPENS = (NOW + timedelta(days=5)).replace(hour=9, minute=0, second=0, microsecond=0)
CLOSES = OPENS + timedelta(minutes=30)
WISHED = {"start": instant(OPENS), "end": instant(CLOSES)}


@pytest.fixture(autouse=True)
def one_slot(door: Door, store: Store) -> None:
    """Let Dr. Osei have one slot only, in five days."""
    offered = offers.schedule()
    kept = [each for each in offered["extension"] if not each["url"].endswith(("hours", "zone"))]
    day = [
        {"url": "date", "valueDate": f"{OPENS:%Y-%m-%d}"},
        {"url": "from", "valueTime": f"{OPENS:%H:%M:%S}"},
        {"url": "to", "valueTime": f"{CLOSES:%H:%M:%S}"},
    ]
    zone = {"url": f"{offers.URN}time-zone", "valueCode": "UTC"}
    offered["extension"] = [*kept, zone, {"url": f"{offers.URN}exception", "extension": day}]
    offers.open_(store, offered)


def wait(door: Door, who: Principal, patient: str, /, **values: str) -> Any:
    sent = {"schedule": "Schedule/osei-video", "patient": f"Patient/{patient}"} | WISHED | values
    return door.as_(who).post("Appointment/$wait", parameters(**sent))


def test_the_first_in_line_is_offered_it_and_after_them_the_next(door: Door, store: Store) -> None:
    slot = free(door)[0]
    taken = hold(door, MIA, slot, "ben").id
    first, second = wait(door, ADA, "ada"), wait(door, CLEO, "cleo")
    assert (first.status, first.json["status"]) == (200, "waitlist")
    assert first.json["requestedPeriod"] == [WISHED]
    chores.offer_times(store)
    assert status(door, first.id) == "waitlist", "nothing is free"
    assert step(door, MIA, taken, "cancel").status == 200
    chores.offer_times(store)
    offered = door.as_(OPEN).get(f"Appointment/{first.id}").json
    assert (offered["status"], offered["slot"]) == ("proposed", [{"reference": f"Slot/{slot}"}])
    assert offered["participant"][0]["status"] == "tentative", (
        "they have yet to say that they want it"
    )
    assert free(door) == []
    assert status(door, second.id) == "waitlist"
    run_out(store, first.id)
    assert status(door, first.id) == "cancelled"
    chores.offer_times(store)
    assert status(door, second.id) == "proposed"
    assert step(door, CLEO, second.id, "confirm").json["status"] == "proposed"
    assert step(door, OSEI, second.id, "confirm").json["status"] == "pending", "the fee is due"


def test_a_time_far_ahead_is_seen_behind_many_that_are_free(door: Door, store: Store) -> None:
    offers.open_(store, offers.schedule("lind", "free", slot_minutes=15))
    start = (NOW + timedelta(days=20)).replace(hour=12, minute=0, second=0, microsecond=0)
    slot = f"lind-video-{start:%Y%m%d%H%M}"
    wish = {"start": instant(start), "end": instant(start + timedelta(minutes=15))}
    taken = hold(door, MIA, slot, "ben").id
    waits = wait(door, ADA, "ada", schedule="Schedule/lind-video", **wish).id
    assert step(door, MIA, taken, "cancel").status == 200
    chores.offer_times(store)
    assert door.as_(OPEN).get(f"Appointment/{waits}").json["slot"] == [
        {"reference": f"Slot/{slot}"}
    ]


def run_out(store: Store, id_: str) -> None:
    """Let the hold end, as time would."""
    past = instant(datetime.now(UTC) - timedelta(seconds=1))

    def work(repository: Any) -> int:
        appointment = records.read(repository, "Appointment", id_)
        for each in appointment["extension"]:
            if each["url"].endswith("held-until"):
                assert moment(each["valueInstant"]) <= datetime.now(UTC) + timedelta(hours=4)
                each["valueInstant"] = past
        records.save(repository, appointment)
        return booking.expire(repository)

    assert store.writing(work) == 1


def test_who_has_another_visit_then_is_passed_over(door: Door, store: Store) -> None:
    taken = hold(door, MIA, free(door)[0], "ben").id
    elsewhere = {
        "resourceType": "Appointment",
        "status": "booked",
        **WISHED,
        "participant": [{"actor": {"reference": "Patient/ada"}, "status": "accepted"}],
    }
    assert door.as_(OPEN).post("Appointment", elsewhere).status == 201
    first, second = wait(door, ADA, "ada").id, wait(door, CLEO, "cleo").id
    step(door, MIA, taken, "cancel")
    chores.offer_times(store)
    assert (status(door, first), status(door, second)) == ("waitlist", "proposed")


def test_it_ends_by_leaving_and_when_the_days_are_over(door: Door, store: Store) -> None:
    hold(door, MIA, free(door)[0], "ben")
    left = wait(door, ADA, "ada").id
    gone = step(door, ADA, left, "cancel").json
    assert gone["status"] == "cancelled"
    assert gone["cancelationReason"]["coding"][0]["code"] == "withdrawn"
    over = wait(door, CLEO, "cleo").id

    def late(repository: Any) -> None:
        waits = records.read(repository, "Appointment", over)
        past = {"start": instant(NOW - timedelta(days=2)), "end": instant(NOW - timedelta(days=1))}
        records.save(repository, waits | {"requestedPeriod": [past]})

    store.writing(late)
    chores.offer_times(store)
    ended = door.as_(OPEN).get(f"Appointment/{over}").json
    assert ended["cancelationReason"]["text"] == "No time became free"
    assert store.reading(waiting.matches) == []


@pytest.mark.parametrize(
    ("start", "end", "wish"),
    [
        ("2026-11-25T23:30:00-02:00", "2026-11-26T05:00:00+03:00", ("26 01:30", "26 02:00")),
        ("2026-11-25", "2026-11-26", ("25 00:00", "26 23:59")),
        ("2026-11", "9999", ("01 00:00", "30 00:00")),
        ("2026-11-25T10:00:00Z", "", None),
    ],
)
def test_a_wish_is_read_in_whatever_zone_it_was_written(
    start: str, end: str, wish: tuple[str, str] | None
) -> None:
    found = waiting.wished({"requestedPeriod": [{"start": start, "end": end}]})
    assert (found and tuple(f"{each:%d %H:%M}" for each in found)) == wish


def test_one_of_another_system_ends_when_its_time_is_over_there(door: Door, store: Store) -> None:
    hold(door, MIA, free(door)[0], "ben")
    over = wait(door, CLEO, "cleo").id

    def late(repository: Any) -> None:
        waits = records.read(repository, "Appointment", over)
        east = timezone(timedelta(hours=12))
        start, end = (NOW - timedelta(hours=each) for each in (2, 1))
        past = {"start": start.astimezone(east), "end": end.astimezone(east)}
        period = {name: time.isoformat(timespec="seconds") for name, time in past.items()}
        records.save(repository, waits | {"requestedPeriod": [period]})

    store.writing(late)
    chores.offer_times(store)
    assert status(door, over) == "cancelled"


def test_bad_input_is_answered_in_a_sentence(door: Door) -> None:
    early = wait(door, ADA, "ada")
    assert early.status == 409
    assert "There is a free time already" in early.said
    hold(door, MIA, free(door)[0], "ben")
    for values, said in (
        ({"end": instant(NOW - timedelta(days=1))}, "within 180 days"),
        ({"end": instant(NOW + timedelta(days=300))}, "within 180 days"),
        ({"start": "soon"}, "is no time such as"),
        ({"patient": "ada"}, "write Patient/id"),
    ):
        refused = wait(door, ADA, "ada", **values)
        assert refused.status == 400
        assert said in refused.said
    assert wait(door, ADA, "ada", schedule="Schedule/none").status == 404
    first = wait(door, ADA, "ada")
    assert wait(door, ADA, "ada").status == 409, "on the list already"
    assert step(door, ADA, first.id, "confirm").status == 409, "there is no time to confirm"
    assert step(door, OSEI, first.id, "confirm").status == 409
    assert step(door, ADMIN, first.id, "confirm").status == 409


def test_who_may_not(door: Door) -> None:
    hold(door, MIA, free(door)[0], "ben")
    assert wait(door, ADA, "cleo").status in (403, 404)
    assert wait(door, app_of(ADA, "patient/*.rs", "ada"), "ada").status == 403
    assert wait(door, app_of(ADA, "patient/*.cruds", "ada"), "ada").status == 200
