"""What scheduling and the portal read of the records is whole: nobody is left out behind a page's end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fhir_server.context import Store
from fhir_server.scheduling import records
from fhir_server.search.query import LARGEST_COUNT
from tests.examples import an_observation_of

CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
MANY = LARGEST_COUNT + 5


@pytest.fixture
def observed(store: Store) -> Iterator[Store]:
    """Give a patient more observations than a page of a search holds, and one allergy, the oldest of all."""
    store.writing(lambda r: records.save(r, {"resourceType": "Patient", "id": "ada"}))
    allergy = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        "patient": {"reference": "Patient/ada"},
    }
    store.writing(lambda r: records.create(r, allergy))
    many = [an_observation_of("Patient/ada", id=f"o{number}") for number in range(MANY)]
    store.writing(lambda r: records.save_all(r, many))
    yield store
    store.database.close()


def test_all_matches_are_found_each_once_in_their_order(observed: Store) -> None:
    found = observed.reading(
        lambda r: records.find(r, "Observation", ("patient", "ada"), ("_sort", "_id"))
    )
    assert [each["id"] for each in found] == sorted(f"o{number}" for number in range(MANY))


def test_what_is_rare_is_not_lost_behind_what_is_many(observed: Store) -> None:
    types = ["Observation", "AllergyIntolerance"]
    found = observed.reading(lambda r: records.find_all(r, types, ("patient", "Patient/ada")))
    assert {name: len(listed) for name, listed in found.items()} == {
        "Observation": MANY,
        "AllergyIntolerance": 1,
    }


def test_a_list_that_says_so_is_cut(observed: Store) -> None:
    found = observed.reading(
        lambda r: records.first(r, 3, "Observation", ("patient", "ada"), ("_sort", "_id"))
    )
    assert [each["id"] for each in found] == ["o0", "o1", "o10"]
