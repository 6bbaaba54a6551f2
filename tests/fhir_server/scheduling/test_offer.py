"""Free times follow the local clock, also on the days it is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.scheduling.offer import DAYS, Offer, starts

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC")
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Africa/Casablanca": (date(2026, 2, 15), date(2026, 3, 22)),
}


def offer(zone: str, opens: time, closes: time, minutes: int = 30) -> Offer:
    hours = {day: [(opens, closes)] for day in DAYS}
    return Offer("s", "Practitioner/p", "", ZoneInfo(zone), hours, {}, minutes=minutes)


@given(
    zone=st.sampled_from(sorted(CHANGES)),
    which=st.integers(0, 1),
    opens=st.integers(0, 22),
    length=st.integers(1, 12),
    minutes=st.sampled_from((15, 30, 45, 60)),
)
def test_on_the_day_of_a_change_times_stay_within_the_local_hours(
    zone: str, which: int, opens: int, length: int, minutes: int
) -> None:
    day = CHANGES[zone][which]
    closes = time(min(opens + length, 23), 30)
    one = offer(zone, time(opens), closes, minutes)
    found = list(starts(one, day, 1))
    assert all(later - sooner >= timedelta(minutes=minutes) for sooner, later in pairwise(found))
    for start in found:
        begin = start.astimezone(one.zone)
        end = (start + timedelta(minutes=minutes)).astimezone(one.zone)
        assert begin.date() == day
        assert end <= datetime.combine(day, closes, one.zone) + timedelta(hours=1)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("zone", sorted(CHANGES))
def test_nine_is_nine_before_and_after_a_change(zone: str) -> None:
    for day in CHANGES[zone]:
        found = starts(offer(zone, time(9), time(10)), day - timedelta(days=1), 3)
        local = [each.astimezone(ZoneInfo(zone)) for each in found]
        assert [f"{each:%H:%M}" for each in local] == ["09:00", "09:30"] * 3


def test_a_single_day_has_hours_of_its_own() -> None:
    days = {date(2026, 12, 24): (), date(2026, 12, 28): [(time(18), time(19))]}
    one = offer("UTC", time(9), time(10))
    changed = Offer(one.schedule, one.practitioner, "", one.zone, one.hours, days)
    found = list(starts(changed, date(2026, 12, 24), 5))
    assert datetime(2026, 12, 24, 9, tzinfo=UTC) not in found
    assert datetime(2026, 12, 25, 9, tzinfo=UTC) in found
    assert [each.hour for each in found if each.day == 28] == [18, 18]
