"""Who is told what, once, in their own time; and what else follows from a change by whatever door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest

from billing import inbox
from billing.payments import Billing
from billing.provider import Event
from fhir_server import codec
from fhir_server.channels import mail
from fhir_server.channels.mail import Mail
from fhir_server.channels.smtp import compose
from fhir_server.codec import Resource
from fhir_server.instants import instant, moment
from fhir_server.repository import Repository
from fhir_server.scheduling import appointments, booking, records, slots, waiting
from smart_auth import accounts, keys
from smart_auth.auth import Auth
from tests.billing.conftest import Practice, clinic
from tests.fhir_server.scheduling import offers
from ui import preferences, telling
from ui.portal import Portal

__all__ = ["clinic"]
ADA, OSEI = "ada@example.org", "osei@example.org"
Told = Callable[[], list[Mail]]


@pytest.fixture
def portal(clinic: Practice, tmp_path: Path) -> Portal:
    billing: Billing = clinic.billing
    address = "http://server.test"
    auth = Auth(billing.engine, clinic.store, keys.load(tmp_path), address, f"{address}/fhir")
    with billing.engine.begin() as connection:
        people = ((ADA, "patient", "Patient/ada"), (OSEI, "practitioner", "Practitioner/osei"))
        for email, role, user in people:
            made = accounts.create(connection, email, role, user, email, verified=True)
            zone = "America/New_York" if email == ADA else "Europe/Berlin"
            preferences.save(connection, made.id, zone=zone)
    found = Portal(auth, billing)
    follow(found)
    return found


def follow(portal: Portal) -> None:
    while telling.follow_next(portal):
        pass


@pytest.fixture
def told(portal: Portal) -> Told:
    """Return what was mailed since the last call, the oldest first."""
    seen: set[str] = set()

    def new() -> list[Mail]:
        follow(portal)
        with portal.auth.engine.connect() as connection:
            found = [each for each in mail.newest(connection, 100) if each.id not in seen]
        seen.update(each.id for each in found)
        return found[::-1]

    return new


def do(clinic: Practice, work: Callable[[Repository], Any]) -> Any:
    return clinic.store.writing(work)


def entry(message: Mail) -> Any:
    calendar = icalendar.Calendar.from_ical(message.calendar)
    return calendar["method"], calendar.walk("VEVENT")[0]


def asked(clinic: Practice) -> Resource:
    """Return a request of Ada's for a time some days ahead."""

    def work(repository: Repository) -> Resource:
        start = slots.datetime.now(slots.UTC) + timedelta(days=5)
        offer = slots.offer_of(records.read(repository, "Schedule", "osei-video"))
        slot = slots.free(repository, [offer], start, start + timedelta(days=1), 2)
        held = booking.hold(repository, slot[0]["id"], "Patient/ada", "I feel dizzy")
        held["participant"][0]["status"] = "accepted"
        return records.save(repository, held)

    found: Resource = do(clinic, work)
    return found


def test_from_the_request_to_the_end_each_step_is_told(clinic: Practice, told: Told) -> None:
    visit = asked(clinic)
    requested = told()
    assert {each.recipient for each in requested} == {ADA, OSEI}
    assert all("dizzy" not in each.text + each.subject + each.html for each in requested)
    do(clinic, lambda r: booking.confirm(r, visit["id"]))
    (approved,) = told()
    assert (approved.recipient, "Pay 40.00 EUR" in approved.text) == (ADA, True)
    assert f"http://server.test/visits/{visit['id']}" in approved.text
    do(clinic, lambda r: booking.paid(r, visit["id"]))
    booked = {each.recipient: each for each in told()}
    method, event = entry(booked[ADA])
    assert (method, event["status"]) == ("REQUEST", "CONFIRMED")
    assert event.start == moment(visit["start"])
    assert "dizzy" not in booked[ADA].calendar
    assert told() == [], "each change is told once"


def test_times_are_the_readers_own(clinic: Practice, told: Told) -> None:
    visit = asked(clinic)
    for message in told():
        zone = ZoneInfo("America/New_York" if message.recipient == ADA else "Europe/Berlin")
        local = moment(visit["start"]).astimezone(zone)
        place = "New York time" if message.recipient == ADA else "Berlin time"
        assert f"{local:%H:%M} ({place})" in message.text


def test_a_calendar_entry_is_updated_and_taken_away(clinic: Practice, told: Told) -> None:
    visit = asked(clinic)
    do(clinic, lambda r: booking.confirm(r, visit["id"]))
    do(clinic, lambda r: booking.paid(r, visit["id"]))
    _, first = entry(told()[-1])

    def move(repository: Repository) -> Resource:
        offer = slots.offer_of(records.read(repository, "Schedule", "osei-video"))
        start = moment(visit["start"]) + timedelta(days=1)
        slot = slots.free(repository, [offer], start, start + timedelta(days=1), 1)[0]
        return booking.reschedule(repository, visit["id"], slot["id"])

    do(clinic, move)
    _, second = entry(told()[-1])
    do(clinic, lambda r: booking.cancel(r, visit["id"]))
    method, last = entry(next(each for each in told() if each.calendar))
    assert first["uid"] == second["uid"] == last["uid"]
    assert first["sequence"] < second["sequence"] < last["sequence"]
    assert second.start > first.start
    assert (method, last["status"]) == ("CANCEL", "CANCELLED")


def test_what_another_system_puts_is_told_and_what_is_long_past_is_not(
    clinic: Practice, told: Told
) -> None:
    told()
    start = datetime.now(slots.UTC) + timedelta(days=9)
    visit = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": instant(start),
        "end": instant(start + timedelta(minutes=30)),
        "participant": [
            {"actor": {"reference": each}, "status": "accepted"}
            for each in ("Patient/ada", "Practitioner/osei")
        ],
    }
    do(clinic, lambda r: r.create(codec.made(visit)))
    assert {each.recipient for each in told()} == {ADA, OSEI}
    past = visit | {"start": "2020-01-01T09:00:00Z", "end": "2020-01-01T09:30:00Z"}
    do(clinic, lambda r: r.create(codec.made(past)))
    assert told() == []


@pytest.mark.parametrize(
    ("days", "by_patient", "refunded"), [(5, True, 4000), (0, True, 2000), (0, False, 4000)]
)
def test_what_goes_back_after_a_cancellation(
    clinic: Practice, portal: Portal, days: int, by_patient: bool, refunded: int
) -> None:
    rule = [
        {"url": "free-hours", "valueUnsignedInt": 24},
        {"url": "percent", "valueDecimal": 50},
    ]
    schedule = offers.schedule()
    schedule["extension"].append({"url": f"{offers.URN}cancellation", "extension": rule})
    offers.open_(clinic.store, schedule)
    visit = clinic.pending(number=0) if days == 0 else asked(clinic)
    if days:
        visit = do(clinic, lambda r: booking.confirm(r, visit["id"]))
    payment = clinic.begin(visit)
    inbox.put(clinic.billing.engine, "demo", Event("e", "paid", payment, 4000, "EUR", "ch"))
    clinic.work()

    def cancel(repository: Repository) -> Resource:
        if by_patient:
            principal = replace(telling.TELLER, role="patient", user="Patient/ada")
            repository = replace(repository, policy=telling_policy(principal))
        return booking.cancel(repository, visit["id"])

    do(clinic, cancel)
    follow(portal)
    clinic.work()
    line = clinic.line(visit)
    assert line.refunded == refunded
    assert line.status == ("refunded" if refunded == 4000 else "partially-refunded")
    follow(portal)
    clinic.work()
    assert clinic.line(visit).refunded == refunded, "followed once"


def telling_policy(principal: Any) -> Any:
    from fhir_server.access.policy import policy_of

    return policy_of(principal)


def test_reminders_go_once_each_and_only_to_who_wants_them(
    clinic: Practice, portal: Portal, told: Told
) -> None:
    visit = clinic.pending(number=9)
    do(clinic, lambda r: booking.paid(r, visit["id"]))
    told()
    assert telling.remind(portal) == 1
    assert telling.remind(portal) == 0
    (reminder,) = told()
    assert reminder.subject.startswith("Your visit with Dr. Osei: ")
    with portal.auth.engine.begin() as connection:
        account = accounts.find(connection, email=ADA)
        assert account
        preferences.save(connection, account.id, zone="UTC", reminders=False)
    moved = clinic.pending(number=8)
    do(clinic, lambda r: booking.paid(r, moved["id"]))
    told()
    telling.remind(portal)
    assert told() == []


def test_a_changed_schedule_changes_the_free_times(clinic: Practice, portal: Portal) -> None:
    def free(repository: Repository) -> int:
        now = slots.datetime.now(slots.UTC)
        offer = slots.offer_of(records.read(repository, "Schedule", "osei-video"))
        return len(slots.free(repository, [offer], now, now + timedelta(days=28), 1000))

    before = clinic.store.reading(free)
    short = offers.schedule()
    short["extension"] = [
        each
        if not each["url"].endswith("hours")
        else offers.hours(each["extension"][0]["valueCode"], "09:00:00", "10:00:00")
        for each in short["extension"]
        if not each["url"].endswith("notice-hours")
    ]
    do(clinic, lambda r: records.save(r, short))
    follow(portal)
    assert 50 <= clinic.store.reading(free) <= 56
    assert before > 900
    do(clinic, lambda r: records.save(r, offers.schedule()))
    follow(portal)
    assert clinic.store.reading(free) == before


def test_the_mail_has_a_text_a_page_and_the_entry(clinic: Practice, told: Told) -> None:
    visit = clinic.pending(number=9)
    do(clinic, lambda r: booking.paid(r, visit["id"]))
    written = compose(told()[-1], "MedConsult <post@example.org>")
    kinds = [part.get_content_type() for part in written.walk()]
    assert {"text/plain", "text/html", "text/calendar"} <= set(kinds)
    calendar = next(part for part in written.walk() if part.get_content_type() == "text/calendar")
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_filename() == "visit.ics"


def test_who_waits_is_told_of_a_time_and_when_there_was_none(clinic: Practice, told: Told) -> None:
    far = datetime.now(UTC) + timedelta(days=40)
    period = {"start": instant(far), "end": instant(far + timedelta(days=1))}

    def waits(repository: Repository) -> Resource:
        made = waiting.join(
            repository, "osei-video", "Patient/ada", *map(moment, period.values()), "I feel dizzy"
        )
        soon = {"start": instant(datetime.now(UTC)), "end": period["end"]}
        return records.save(repository, made | {"requestedPeriod": [soon]})

    first = do(clinic, waits)
    assert told() == []
    ((id_, slot),) = clinic.store.reading(waiting.matches)
    assert id_ == first["id"]
    do(clinic, lambda r: waiting.offer_slot(r, id_, slot))
    (offered,) = told()
    assert offered.recipient == ADA
    assert offered.subject == "A time with Dr. Osei became free"
    assert "(New York time)" in offered.text
    assert f"/visits/{id_}" in offered.text
    assert "dizzy" not in offered.text
    do(clinic, lambda r: booking.cancel(r, id_))
    told()
    second = do(clinic, waits)
    do(clinic, lambda r: booking.cancel(r, second["id"], expired=True))
    (over,) = told()
    assert over.subject == "No time with Dr. Osei became free"
    third = do(clinic, waits)
    do(clinic, lambda r: booking.cancel(r, third["id"]))
    assert [each.subject for each in told()] == [over.subject], (
        "the practice took them off the list"
    )


def test_a_mail_and_its_calendar_entry_are_in_the_language_of_their_reader(
    clinic: Practice, portal: Portal, told: Told
) -> None:
    with portal.auth.engine.begin() as connection:
        ada = accounts.find(connection, email=ADA)
        assert ada
        preferences.save(connection, ada.id, language="de")
    visit = clinic.pending(number=9)
    told()
    do(clinic, lambda r: booking.paid(r, visit["id"]))
    by_reader = {each.recipient: each for each in told()}
    german, english = by_reader[ADA], by_reader[OSEI]
    assert german.subject == "Ihr Termin bei Dr. Osei ist gebucht"
    assert "(Zeit in New York)" in german.text
    assert '<html lang="de"' in german.html
    assert entry(german)[1]["summary"] == "Termin bei Dr. Osei"
    assert english.subject.startswith("Booked: ")
    assert entry(english)[1]["summary"] == "Visit with Dr. Osei"


@pytest.mark.parametrize("by", ["patient", "practitioner"])
def test_a_reason_may_be_clinical_so_no_mail_holds_it(
    clinic: Practice, told: Told, by: str
) -> None:
    visit = asked(clinic)
    told()
    if by == "patient":
        do(clinic, lambda r: booking.cancel(r, visit["id"], "My biopsy was positive"))
    else:
        declined = appointments.cancelled_for("rejected", "Your biopsy was positive")
        gone = visit | {"status": "cancelled", "cancelationReason": declined}
        do(clinic, lambda r: records.save(r, gone))
    mails = told()
    assert mails
    assert all("biopsy" not in each.text + each.subject + each.html for each in mails)
    assert any("on its page" in each.text or "page of the visit" in each.text for each in mails)
