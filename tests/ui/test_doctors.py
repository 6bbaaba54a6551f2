"""The list of doctors is whole, however many they are, and who is free first comes first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.scheduling import records
from fhir_server.storage.blobs import FileBlobs
from tests.fhir_server.scheduling import offers
from ui import doctors

TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
FIRST = {"early": 0, "between": 1, "late": 26, "far": 24 * 6}
"""Hours from TOMORROW at which each is free first, and three hours on."""


@pytest.fixture
def practice(empty_database: str, tmp_path: Path) -> Iterator[Store]:
    database = Database(empty_database)
    store = Store(database, FileBlobs(tmp_path), "http://localhost/fhir")
    for name, hours in FIRST.items():
        person = {"resourceType": "Practitioner", "id": name, "active": True}
        store.writing(lambda r, person=person: records.save(r, person))
        offered = offers.schedule(name, "free")
        kept = [each for each in offered["extension"] if not each["url"].endswith("hours")]
        offered["extension"] = [*_utc(kept), *_open(TOMORROW + timedelta(hours=hours))]
        offers.open_(store, offered)
    yield store
    database.close()


def _utc(extensions: list[dict[str, object]]) -> list[dict[str, object]]:
    others = [each for each in extensions if not str(each["url"]).endswith("zone")]
    return [*others, {"url": f"{offers.URN}time-zone", "valueCode": "UTC"}]


def _open(start: datetime) -> list[dict[str, object]]:
    """Return what opens a schedule on one day for three hours, or until the day ends."""
    end = min(start + timedelta(hours=3), start.replace(hour=23, minute=30))
    day = [
        {"url": "date", "valueDate": f"{start:%Y-%m-%d}"},
        {"url": "from", "valueTime": f"{start:%H:%M:%S}"},
        {"url": "to", "valueTime": f"{end:%H:%M:%S}"},
    ]
    return [{"url": f"{offers.URN}exception", "extension": day}]


def test_who_is_free_first_comes_first_and_nobody_is_left_out(
    practice: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        doctors, "EARLIEST", 2
    )  # the times of `early` alone fill more than one look
    listed = practice.reading(lambda r: list(doctors.soonest(r, doctors.doctors(r))))
    assert [each.id for each in listed] == list(FIRST)
    free = [each.free and datetime.fromisoformat(each.free["start"]) for each in listed]
    assert free == [*(TOMORROW + timedelta(hours=FIRST[name]) for name in list(FIRST)[:3]), None]
