from __future__ import annotations

from tests.examples import a_patient, an_observation_of
from tests.http import Client, entry


def test_delete_is_204_and_leaves_the_history(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    answer = client.delete("Patient/p1")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["etag"] == 'W/"2"'
    assert client.get("Patient/p1").status == 410
    assert len(client.get("Patient/p1/_history").json["entry"]) == 2


def test_delete_again_and_delete_of_nothing_is_204_without_a_new_version(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    client.delete("Patient/p1")
    assert client.delete("Patient/p1").status == 204
    assert client.delete("Patient/nobody").status == 204
    assert client.total_versions() == 2


def test_delete_with_a_stale_if_match_is_412(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    client.put("Patient/p1", a_patient(id="p1", active=True))
    assert client.delete("Patient/p1", if_match='W/"1"').status == 412
    assert client.get("Patient/p1").status == 200
    assert client.delete("Patient/p1", if_match='W/"2"').status == 204


def test_delete_of_what_others_refer_to_is_409_and_names_them(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    for number in range(12):
        client.stored(an_observation_of("Patient/p1", id=f"o{number:02}"))
    answer = client.delete("Patient/p1")
    assert (answer.status, answer.codes) == (409, ["conflict"])
    assert all(f"Observation/o{number:02}" in answer.said for number in range(10))
    assert "Observation/o10" not in answer.said
    assert "others" in answer.said
    assert client.get("Patient/p1").status == 200


def test_delete_after_the_referrer_is_gone_or_changed_is_204(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    client.stored(a_patient(id="p2"))
    client.stored(an_observation_of("Patient/p1", id="gone"))
    client.stored(an_observation_of("Patient/p1", id="changed"))
    client.delete("Observation/gone")
    client.put("Observation/changed", an_observation_of("Patient/p2", id="changed"))
    assert client.delete("Patient/p1").status == 204
    assert client.delete("Patient/p2").status == 409


def test_a_resource_that_refers_to_itself_can_be_deleted(client: Client) -> None:
    link = [{"other": {"reference": "Patient/p1"}, "type": "seealso"}]
    assert client.put("Patient/p1", a_patient(id="p1", link=link)).status == 201
    assert client.delete("Patient/p1").status == 204


def test_a_reference_anywhere_in_a_resource_counts(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    extension = [{"url": "http://e.example", "valueReference": {"reference": "Patient/p1"}}]
    client.stored(a_patient(id="p2", extension=extension))
    assert client.delete("Patient/p1").status == 409


def test_what_refers_to_each_other_can_be_deleted_in_one_transaction(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    client.stored(an_observation_of("Patient/p1", id="o1"))
    assert client.transaction(entry("DELETE", "Patient/p1")).status == 409
    answer = client.transaction(entry("DELETE", "Patient/p1"), entry("DELETE", "Observation/o1"))
    assert answer.status == 200, answer.body
    assert client.get("Patient/p1").status == 410
