"""A population in Synthea's proportions: the same resources for the same seed and size, each time.

Any record can be made again by its number, so that queries are drawn from what the store holds
without reading (and so warming) the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from bench import record
from bench.parts import Resource, new_id
from bench.people import organization, practitioner
from bench.vocabulary import SHARED_PER_MILLION

PER_PATIENT = 200
"""Resources, the patient's own included."""
SHORTEST, LONGEST = 0.35, 3.2
"""Of a record, in multiples of the mean."""
STAFF = 6
"""Practitioners one patient sees."""


@dataclass(frozen=True, slots=True)
class Population:
    seed: int
    asked: int
    """Resources, reached to some tenths of a per cent."""

    @property
    def patients(self) -> int:
        shared = sum(self.shared(kind) for kind in SHARED_PER_MILLION)
        return max(1, (self.asked - shared) // PER_PATIENT)

    def shared(self, kind: str) -> int:
        return max(1, self.asked * SHARED_PER_MILLION[kind] // 1_000_000)

    def random(self, kind: str, number: int) -> Random:
        return Random(f"{self.seed}/{kind}/{number}")

    def id(self, kind: str, number: int) -> str:
        return new_id(self.random(kind, number))


def shared(population: Population) -> Iterator[Resource]:
    """Yield organizations and practitioners."""
    for kind, make in (("Organization", organization), ("Practitioner", practitioner)):
        for number in range(population.shared(kind)):
            random = population.random(kind, number)
            yield make(random, new_id(random))


@cache
def staff(population: Population) -> tuple[tuple[str, str], ...]:
    """Return each practitioner's reference with that of the organization they work for."""
    houses = [
        f"Organization/{population.id('Organization', number)}"
        for number in range(population.shared("Organization"))
    ]
    return tuple(
        (f"Practitioner/{population.id('Practitioner', number)}", houses[number % len(houses)])
        for number in range(population.shared("Practitioner"))
    )


def of_patient(population: Population, number: int) -> list[Resource]:
    """Return the record of the patient with the number: first the Patient, then what refers to it."""
    random = population.random("Patient", number)
    id_ = new_id(random)
    length = PER_PATIENT * min(max(random.lognormvariate(-0.18, 0.6), SHORTEST), LONGEST)
    seen: Sequence[tuple[str, str]] = random.choices(staff(population), k=STAFF)
    return record.resources(random, id_, int(length), seen)
