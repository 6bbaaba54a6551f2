from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from billing import payments
from billing.demo_provider import DemoProvider
from billing.payments import Billing
from fhir_server.access.principal import OPEN
from fhir_server.codec import Resource
from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.repository import Repository
from fhir_server.scheduling import booking, records, slots
from fhir_server.storage.blobs import FileBlobs
from medconsult.migrations import engine as engine_of
from tests.fhir_server.access import practice
from tests.fhir_server.scheduling import offers


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice that takes payments."""

    billing: Billing

    @property
    def provider(self) -> DemoProvider:
        assert isinstance(self.billing.provider, DemoProvider)
        return self.billing.provider

    @property
    def store(self) -> Store:
        return self.billing.store

    def pending(self, patient: str = "Patient/ada", number: int = 0) -> Resource:
        """Return an approved appointment that waits for its payment."""

        def work(repository: Repository) -> Resource:
            start = slots.datetime.now(slots.UTC)
            schedule = records.read(repository, "Schedule", "osei-video")
            found = slots.free(
                repository, [slots.offer_of(schedule)], start, start + slots.AHEAD, 10
            )
            held = booking.hold(repository, found[number]["id"], patient)
            return booking.confirm(repository, held["id"])

        return self.store.writing(work)

    def appointment(self, id_: str) -> Resource:
        return self.store.reading(lambda repository: records.read(repository, "Appointment", id_))

    def begin(self, appointment: Resource) -> str:
        """Begin to pay; returns the payment's id."""
        payments.begin(self.billing, appointment, "ada@example.org", "http://server.test/back")
        with self.billing.engine.connect() as connection:
            return payments.listed(connection, appointment["id"])[0].id

    def work(self) -> None:
        """Do what the jobs do until nothing is left."""
        while payments.apply_next(self.billing) or payments.refund_next(self.billing):
            pass

    def line(self, appointment: Resource) -> payments.Line:
        with self.billing.engine.connect() as connection:
            return payments.listed(connection, appointment["id"])[0]


@pytest.fixture
def clinic(empty_database: str, tmp_path: Path) -> Iterator[Practice]:
    engine = engine_of(empty_database)
    with closing(Database(empty_database)) as database:
        store = Store(database, FileBlobs(tmp_path / "blobs"), "http://server.test/fhir")
        acting = store.acting(OPEN)
        made = [*practice.records(), offers.fee()]
        acting.writing(lambda repository: [records.save(repository, each) for each in made])
        offers.open_(acting, offers.schedule())
        provider = DemoProvider(engine, "http://server.test", b"secret")
        yield Practice(Billing(engine, acting, provider, "http://server.test"))
    engine.dispose()
