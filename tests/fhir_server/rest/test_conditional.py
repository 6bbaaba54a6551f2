from __future__ import annotations

import pytest

from tests.examples import SYSTEM, a_patient, an_identified_patient, an_observation_of
from tests.http import Client

ONE = f"identifier={SYSTEM}|1"


@pytest.fixture
def twins(client: Client) -> Client:
    client.stored(an_identified_patient("1", id="p1"))
    client.stored(an_identified_patient("1", id="p2"))
    return client


# create


@pytest.mark.parametrize("criteria", [ONE, f"?{ONE}", f"Patient?{ONE}", f"identifier={SYSTEM}%7C1"])
def test_conditional_create_creates_once(client: Client, criteria: str) -> None:
    first = client.post("Patient", an_identified_patient("1"), if_none_exist=criteria)
    second = client.post("Patient", an_identified_patient("1"), if_none_exist=criteria)
    assert (first.status, second.status) == (201, 200)
    assert first.id == second.id
    assert second.headers["location"] == first.headers["location"]
    assert client.total_versions() == 1


def test_conditional_create_with_two_matches_is_412(twins: Client) -> None:
    answer = twins.post("Patient", an_identified_patient("1"), if_none_exist=ONE)
    assert (answer.status, answer.codes) == (412, ["multiple-matches"])
    assert twins.total_versions() == 2


def test_conditional_create_creates_again_after_a_delete(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    client.delete("Patient/p1")
    assert client.post("Patient", an_identified_patient("1"), if_none_exist=ONE).status == 201


def test_a_match_of_another_type_does_not_count(client: Client) -> None:
    client.stored(
        {"resourceType": "Practitioner", "identifier": [{"system": SYSTEM, "value": "1"}]}
    )
    assert client.post("Patient", an_identified_patient("1"), if_none_exist=ONE).status == 201


@pytest.mark.parametrize(
    "criteria", ["colour=red", "identifier:wrong=1", "birthdate=yesterday", "?"]
)
def test_criteria_that_mean_nothing_are_refused(client: Client, criteria: str) -> None:
    answer = client.post("Patient", a_patient(), if_none_exist=criteria)
    assert answer.status in (400, 412)
    assert client.total_versions() == 0


# update


def test_conditional_update_creates_when_nothing_matches(client: Client) -> None:
    answer = client.put(f"Patient?{ONE}", an_identified_patient("1"))
    assert answer.status == 201
    assert client.get(f"Patient/{answer.id}").status == 200


def test_conditional_update_with_an_id_creates_under_it(client: Client) -> None:
    answer = client.put(f"Patient?{ONE}", an_identified_patient("1", id="mine"))
    assert (answer.status, answer.id) == (201, "mine")


def test_conditional_update_updates_the_only_match(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    answer = client.put(f"Patient?{ONE}", an_identified_patient("1", active=True))
    assert (answer.status, answer.id, answer.headers["etag"]) == (200, "p1", 'W/"2"')


def test_conditional_update_with_another_id_than_the_match_is_400(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    answer = client.put(f"Patient?{ONE}", an_identified_patient("1", id="p2"))
    assert (answer.status, answer.paths) == (400, ["Patient.id"])
    assert client.get("Patient/p1").headers["etag"] == 'W/"1"'


def test_conditional_update_with_an_id_that_is_taken_by_another_is_refused(client: Client) -> None:
    client.stored(an_identified_patient("2", id="p2"))
    answer = client.put(f"Patient?{ONE}", an_identified_patient("1", id="p2"))
    assert answer.status in (409, 412)
    assert client.get("Patient/p2").headers["etag"] == 'W/"1"'


def test_conditional_update_with_two_matches_is_412(twins: Client) -> None:
    assert twins.put(f"Patient?{ONE}", an_identified_patient("1")).status == 412
    assert twins.total_versions() == 2


def test_conditional_update_without_criteria_is_refused(client: Client) -> None:
    answer = client.put("Patient", a_patient())
    assert answer.status in (400, 412)
    assert answer.issues
    assert client.total_versions() == 0


def test_conditional_update_heeds_if_match(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    update = an_identified_patient("1", active=True)
    assert client.put(f"Patient?{ONE}", update, if_match='W/"7"').status == 412
    assert client.put(f"Patient?{ONE}", update, if_match='W/"1"').status == 200


# patch


def test_conditional_patch_patches_the_only_match(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    answer = client.patch(f"Patient?{ONE}", [{"op": "add", "path": "/active", "value": True}])
    assert (answer.status, answer.json["active"]) == (200, True)


def test_conditional_patch_of_nothing_is_404_and_of_two_412(client: Client) -> None:
    operations = [{"op": "add", "path": "/active", "value": True}]
    assert client.patch(f"Patient?{ONE}", operations).status == 404
    client.stored(an_identified_patient("1", id="p1"))
    client.stored(an_identified_patient("1", id="p2"))
    assert client.patch(f"Patient?{ONE}", operations).status == 412


# delete


def test_conditional_delete_deletes_the_only_match(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    client.stored(an_identified_patient("2", id="p2"))
    assert client.delete(f"Patient?{ONE}").status == 204
    assert client.get("Patient/p1").status == 410
    assert client.get("Patient/p2").status == 200


def test_conditional_delete_of_two_is_412_and_of_nothing_204(twins: Client) -> None:
    assert twins.delete(f"Patient?{ONE}").status == 412
    assert twins.get("Patient/p1").status == 200
    assert twins.delete(f"Patient?identifier={SYSTEM}|9").status == 204


def test_conditional_delete_without_criteria_deletes_nothing(twins: Client) -> None:
    assert twins.delete("Patient").status in (400, 412)
    assert twins.get("Patient/p1").status == 200


def test_conditional_delete_of_what_others_refer_to_is_409(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    client.stored(an_observation_of("Patient/p1"))
    assert client.delete(f"Patient?{ONE}").status == 409
    assert client.get("Patient/p1").status == 200


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ("_id=p1", True),
        ("_id=p2", False),
        ("identifier=1", True),
        (f"identifier={SYSTEM}|", True),
        ("identifier=|1", False),
        ("family=chal", True),
        ("family:exact=chal", False),
        ("gender=female", True),
        ("gender=male", False),
        ("birthdate=1970", True),
        ("organization=Organization/h", True),
        ("organization=Organization/other", False),
    ],
)
def test_criteria_go_through_the_real_search(client: Client, criteria: str, found: bool) -> None:
    client.stored({"resourceType": "Organization", "id": "h", "name": "Hospital"})
    client.stored(
        an_identified_patient(
            "1",
            id="p1",
            name=[{"family": "Chalmers"}],
            gender="female",
            birthDate="1970-05-01",
            managingOrganization={"reference": "Organization/h"},
        )
    )
    answer = client.post("Patient", a_patient(), if_none_exist=criteria)
    assert answer.status == (200 if found else 201), answer.body
