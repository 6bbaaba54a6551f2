"""Many want one time: one gets it, by whatever door, and the others are told what else is free."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fhir_server import codec
from fhir_server.context import Store
from fhir_server.errors import Conflict
from fhir_server.repository import Repository
from fhir_server.scheduling import booking, records
from tests.fhir_server.access.practice import Door

MANY = 200


def test_of_two_hundred_one_gets_the_time(door: Door, store: Store) -> None:
    def people(repository: Repository) -> None:
        made = ({"resourceType": "Patient", "id": f"p{number}"} for number in range(MANY))
        records.save_all(repository, list(made))

    store.writing(people)
    found = door.client.get("Appointment/$find?_count=1").json["entry"][0]["resource"]

    def attempt(number: int) -> str:
        ask = by_rest if number % 2 else by_operation
        try:
            store.writing(lambda repository: ask(repository, f"Patient/p{number}"))
        except Conflict as refusal:
            return str(refusal)
        return ""

    def by_operation(repository: Repository, patient: str) -> Any:
        return booking.hold(repository, found["id"], patient)

    def by_rest(repository: Repository, patient: str) -> Any:
        actors = (patient, "Practitioner/osei")
        resource = {
            "resourceType": "Appointment",
            "status": "booked",
            "start": found["start"],
            "end": found["end"],
            "participant": [
                {"actor": {"reference": each}, "status": "accepted"} for each in actors
            ],
        }
        return repository.create(codec.made(resource))

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(attempt, range(MANY)))
    assert answers.count("") == 1
    assert all("no longer free" in each for each in answers if each)
    assert sum("next free times are" in each for each in answers) >= MANY // 2 - 1
    taken = door.client.get(f"Appointment?date={found['start']}&actor=Practitioner/osei").json

    assert len(taken["entry"]) == 1
