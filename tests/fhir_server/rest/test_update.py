from __future__ import annotations

import pytest

from tests.examples import a_patient
from tests.http import Client

ACTIVE = a_patient(id="p1", active=True)
INACTIVE = a_patient(id="p1", active=False)


def test_update_makes_the_next_version(client: Client) -> None:
    client.stored(ACTIVE)
    answer = client.put("Patient/p1", INACTIVE)
    assert answer.status == 200
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.headers["location"].endswith("/Patient/p1/_history/2")
    assert client.get("Patient/p1").json["active"] is False


def test_update_as_create_takes_the_clients_id(client: Client) -> None:
    answer = client.put("Patient/p1", ACTIVE)
    assert (answer.status, answer.id) == (201, "p1")
    assert answer.headers["location"].endswith("/Patient/p1/_history/1")


def test_update_after_a_delete_is_201_with_the_next_version(client: Client) -> None:
    client.stored(ACTIVE)
    client.delete("Patient/p1")
    answer = client.put("Patient/p1", ACTIVE)
    assert (answer.status, answer.headers["etag"]) == (201, 'W/"3"')
    assert client.get("Patient/p1").status == 200


def test_update_with_another_id_than_the_address_is_400(client: Client) -> None:
    answer = client.put("Patient/p2", ACTIVE)
    assert (answer.status, answer.paths) == (400, ["Patient.id"])
    assert client.get("Patient/p2").status == 404


def test_update_without_an_id_in_the_body_is_refused(client: Client) -> None:
    """https://hl7.org/fhir/R4/http.html#update: if no id is provided, 400."""
    answer = client.put("Patient/p1", a_patient(active=True))
    assert (answer.status, answer.paths) == (400, ["Patient.id"])


def test_update_with_the_current_version_in_if_match_is_200(client: Client) -> None:
    client.stored(ACTIVE)
    assert client.put("Patient/p1", INACTIVE, if_match='W/"1"').status == 200


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', "1"])
def test_update_with_a_stale_if_match_is_412_with_the_current_version(
    client: Client, tag: str
) -> None:
    client.stored(ACTIVE)
    client.put("Patient/p1", INACTIVE)
    answer = client.put("Patient/p1", ACTIVE, if_match=tag)
    assert (answer.status, answer.codes) == (412, ["conflict"])
    assert answer.headers["etag"] == 'W/"2"'
    assert client.get("Patient/p1").json["active"] is False


def test_update_with_if_match_of_what_never_was_is_412(client: Client) -> None:
    assert client.put("Patient/p1", ACTIVE, if_match='W/"1"').status == 412
    assert client.get("Patient/p1").status == 404


@pytest.mark.parametrize("tag", ['W/"x"', 'W/"99999999999999999999999"', 'W/"-1"', "W/", '"'])
def test_an_if_match_that_can_fit_nothing_is_refused(client: Client, tag: str) -> None:
    client.stored(ACTIVE)
    assert client.put("Patient/p1", INACTIVE, if_match=tag).status in (400, 412)
    assert client.get("Patient/p1").headers["etag"] == 'W/"1"'


def test_if_match_star_asks_for_any_version(client: Client) -> None:
    assert client.put("Patient/p1", ACTIVE, if_match="*").status == 412
    client.stored(ACTIVE)
    assert client.put("Patient/p1", INACTIVE, if_match="*").status == 200


def test_if_none_match_star_creates_but_does_not_update(client: Client) -> None:
    assert client.put("Patient/p1", ACTIVE, if_none_match="*").status == 201
    assert client.put("Patient/p1", INACTIVE, if_none_match="*").status == 412
    assert client.get("Patient/p1").json["active"] is True


def test_if_none_match_star_creates_anew_after_a_delete(client: Client) -> None:
    client.stored(ACTIVE)
    client.delete("Patient/p1")
    assert client.put("Patient/p1", ACTIVE, if_none_match="*").status == 201


@pytest.mark.parametrize("id_", ["a", "A-1.b", "x" * 64])
def test_ids_that_fhir_allows_are_taken(client: Client, id_: str) -> None:
    assert client.put(f"Patient/{id_}", a_patient(id=id_)).status == 201
    assert client.get(f"Patient/{id_}").id == id_


@pytest.mark.parametrize("id_", ["x" * 65, "a_b", "a%20b", "%C3%A9", "a%0A", "%00", "a:b"])
def test_ids_that_fhir_forbids_are_refused(client: Client, id_: str) -> None:
    answer = client.put(f"Patient/{id_}", a_patient(id=id_))
    assert answer.status in (400, 404)
    assert client.total_versions() == 0


def test_ids_that_differ_in_case_are_different(client: Client) -> None:
    client.stored(a_patient(id="abc"))
    assert client.get("Patient/ABC").status == 404


def test_the_last_update_never_goes_back(client: Client) -> None:
    client.stored(ACTIVE)
    for _ in range(5):
        client.put("Patient/p1", ACTIVE)
    entries = client.get("Patient/p1/_history").json["entry"]
    times = [entry["resource"]["meta"]["lastUpdated"] for entry in entries]
    assert times == sorted(set(times), reverse=True)
