from __future__ import annotations

from typing import Any

import pytest

from tests.examples import (
    a_patient,
    an_encounter,
    an_observation,
    an_observation_of,
    an_organization,
)
from tests.http import Answer, Client

TAG = {"system": "http://tags.example", "code": "one"}
OTHER = {"system": "http://tags.example", "code": "two"}


def parameters(**named: Any) -> dict[str, Any]:
    parts = []
    for name, value in named.items():
        kind = "resource" if name == "resource" else {"meta": "valueMeta"}.get(name, "valueCode")
        parts.append({"name": name, kind: value})
    return {"resourceType": "Parameters", "parameter": parts}


def meta_of(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json["parameter"][0]["valueMeta"]
    return found


def names(answer: Answer) -> set[str]:
    assert answer.status == 200, answer.body
    return {
        f"{each['resource']['resourceType']}/{each['resource']['id']}"
        for each in answer.json.get("entry", [])
    }


# $validate


def test_validate_says_what_is_wrong_and_stores_nothing(client: Client) -> None:
    fine = client.post("Patient/$validate", a_patient())
    assert (fine.status, fine.issues[0]["severity"]) == (200, "information")
    wrong = client.post("Patient/$validate", a_patient(gender="blue"))
    assert wrong.status == 200
    assert wrong.issues[0]["severity"] == "error"
    assert wrong.paths == ["Patient.gender"]
    assert client.total_versions() == 0


@pytest.mark.parametrize("mode", ["create", "update", "profile"])
def test_validate_takes_a_resource_as_parameter_and_a_mode(client: Client, mode: str) -> None:
    sent = parameters(resource=a_patient(id="p1", gender="blue"), mode=mode)
    answer = client.post("Patient/$validate", sent)
    assert "Patient.gender" in answer.paths
    fine = client.post("Patient/$validate", parameters(resource=a_patient(id="p1"), mode=mode))
    assert {issue["severity"] for issue in fine.issues} == {"information"}


def test_validate_checks_what_is_stored(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    assert client.get("Patient/p1/$validate").status == 200
    assert client.post("Patient/p1/$validate").status == 200
    assert client.get("Patient/nobody/$validate").status == 404


def test_validate_for_delete_says_what_is_in_the_way(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    assert client.get("Patient/p1/$validate?mode=delete").issues[0]["severity"] == "information"
    client.stored(an_observation_of("Patient/p1"))
    answer = client.get("Patient/p1/$validate?mode=delete")
    assert (answer.status, answer.issues[0]["severity"]) == (200, "error")


def test_validate_takes_a_profile_and_says_when_it_is_unknown(client: Client) -> None:
    slot = {
        "resourceType": "Slot",
        "schedule": {"reference": "Schedule/s"},
        "status": "free",
        "start": "2026-01-01T09:00:00Z",
        "end": "2026-01-01T09:30:00Z",
    }
    (issue,) = client.post("Slot/$validate?profile=urn:medconsult:profile:slot", slot).issues
    assert (issue["code"], issue["expression"]) == ("required", ["Slot.serviceType"])
    client.stored({"resourceType": "Schedule", "id": "s", "actor": [{"display": "Dr. Osei"}]})
    client.stored(slot | {"id": "s1"})
    (of_the_stored,) = client.get("Slot/s1/$validate?profile=urn:medconsult:profile:slot").issues
    assert of_the_stored["expression"] == ["Slot.serviceType"]
    both = "profile=http://p.example&profile=urn:medconsult:profile:slot"
    warned, held = client.post(f"Slot/$validate?{both}", slot).issues
    assert (warned["severity"], held["severity"]) == ("warning", "error")
    answer = client.post("Patient/$validate?profile=http://p.example", a_patient())
    assert "http://p.example" in answer.said
    assert answer.issues[0]["severity"] == "warning"


def test_validate_of_another_type_an_unknown_mode_or_nothing_is_told(client: Client) -> None:
    assert client.post("Observation/$validate", a_patient()).issues[0]["severity"] == "error"
    assert client.post("Patient/$validate?mode=paint", a_patient()).status == 400
    assert client.post("Patient/$validate").status == 400
    assert client.post("Patient/$validate", b"{").status == 400


# $everything


@pytest.fixture
def record(client: Client) -> set[str]:
    client.stored(an_organization(id="h"))
    client.stored(an_organization(id="unrelated"))
    hospital = {"reference": "Organization/h"}
    client.stored(a_patient(id="p1", managingOrganization=hospital))
    client.stored(a_patient(id="p2"))
    subject = {"reference": "Patient/p1"}
    client.stored(an_encounter(id="e1", subject=subject))
    client.stored(an_encounter(id="e2", subject=subject))
    encounter = {"reference": "Encounter/e1"}
    client.stored(an_observation_of("Patient/p1", id="o1", encounter=encounter))
    client.stored(an_observation_of("Patient/p1", id="o2"))
    client.stored(an_observation_of("Patient/p2", id="other"))
    return {
        "Organization/h",
        "Patient/p1",
        "Encounter/e1",
        "Encounter/e2",
        "Observation/o1",
        "Observation/o2",
    }


def test_everything_of_a_patient_is_the_record_and_no_other(
    client: Client, record: set[str]
) -> None:
    answer = client.get("Patient/p1/$everything")
    assert names(answer) == record
    assert answer.json["type"] == "searchset"
    assert names(client.post("Patient/p1/$everything")) == record


def test_everything_of_an_encounter_is_what_belongs_to_it(client: Client, record: set[str]) -> None:
    found = names(client.get("Encounter/e1/$everything"))
    assert {"Encounter/e1", "Observation/o1", "Patient/p1"} <= found
    assert not found & {"Encounter/e2", "Observation/o2", "Observation/other"}


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 100])
def test_pages_of_everything_follow_each_other(
    client: Client, record: set[str], count: int
) -> None:
    found: list[str] = []
    path = f"Patient/p1/$everything?_count={count}"
    for _ in range(10):
        answer = client.get(path)
        assert len(names(answer)) <= count
        found += names(answer)
        following = [each["url"] for each in answer.json["link"] if each["relation"] == "next"]
        if not following:
            break
        path = following[0].removeprefix("http://localhost/fhir/")
    assert sorted(found) == sorted(record)


def test_everything_by_type_and_since(client: Client, record: set[str]) -> None:
    answer = client.get("Patient/p1/$everything?_type=Observation,Encounter")
    assert names(answer) == {name for name in record if name[0] in "OE"} - {"Organization/h"}
    assert names(client.get("Patient/p1/$everything?_since=2999-01-01")) == set()
    assert names(client.get("Patient/p1/$everything?_since=2001-01-01")) == record


def test_everything_leaves_out_what_was_deleted(client: Client, record: set[str]) -> None:
    client.delete("Observation/o2")
    assert names(client.get("Patient/p1/$everything")) == record - {"Observation/o2"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/nobody/$everything", 404),
        ("Observation/o1/$everything", 404),
        ("Patient/p1/$everything?_type=Nothing", 400),
        ("Patient/p1/$everything?_since=x", 400),
        ("Patient/p1/$everything?_count=x", 400),
        ("Patient/p1/$everything?_page=x", 400),
        ("Patient/p1/$everything?_page=0.99999999999999999999", 400),
        ("Patient/p1/$everything?colour=red", 400),
    ],
)
def test_everything_that_cannot_be_had_is_refused(
    client: Client, record: set[str], path: str, status: int
) -> None:
    assert client.get(path).status == status


# $meta


def test_meta_is_added_and_deleted_as_new_versions(client: Client) -> None:
    client.stored(a_patient(id="p1", meta={"tag": [TAG]}))
    assert meta_of(client.get("Patient/p1/$meta"))["tag"] == [TAG]
    added = client.post("Patient/p1/$meta-add", parameters(meta={"tag": [TAG, OTHER]}))
    assert meta_of(added)["tag"] == [TAG, OTHER]
    assert client.get("Patient/p1").headers["etag"] == 'W/"2"'
    deleted = client.post("Patient/p1/$meta-delete", parameters(meta={"tag": [TAG]}))
    assert meta_of(deleted)["tag"] == [OTHER]
    assert client.get("Patient/p1").json["meta"]["tag"] == [OTHER]
    assert client.get("Patient/p1/_history/1").json["meta"]["tag"] == [TAG]


def test_a_tag_that_was_added_is_found_by_search(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    assert names(client.get("Patient?_tag=http://tags.example|one")) == set()
    client.post("Patient/p1/$meta-add", parameters(meta={"tag": [TAG]}))
    assert names(client.get("Patient?_tag=http://tags.example|one")) == {"Patient/p1"}


def test_changing_meta_keeps_the_digits_of_decimals(client: Client) -> None:
    client.put(
        "Observation/o",
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":1.50}}',
    )
    client.post("Observation/o/$meta-add", parameters(meta={"tag": [TAG]}))
    assert b'"value":1.50' in client.get("Observation/o").body


def test_changing_meta_asks_for_a_post_with_a_meta(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    assert client.get("Patient/p1/$meta-add").status == 405
    assert client.post("Patient/p1/$meta-add").status == 400
    assert client.post("Patient/p1/$meta-add", parameters(mode="x")).status == 400
    assert client.post("Patient/nobody/$meta-add", parameters(meta={"tag": [TAG]})).status == 404


@pytest.mark.parametrize(
    "meta",
    [
        {"tag": "x"},
        {"tag": [7]},
        {"tag": [{"code": 7}]},
        {"profile": [7]},
        {"tag": {}},
        {"tag": None},
    ],
)
def test_a_meta_that_is_no_meta_is_refused(client: Client, meta: dict[str, Any]) -> None:
    client.stored(an_observation(id="o"))
    answer = client.post("Observation/o/$meta-add", parameters(meta=meta))
    assert answer.status in (400, 422), answer.body
    assert client.get("Observation/o").headers["etag"] == 'W/"1"'
    assert client.post("Observation/o/$meta-delete", parameters(meta=meta)).status in (
        200,
        400,
        422,
    )


# $versions


def test_versions_names_4_0(client: Client) -> None:
    stated = client.get("$versions").json["parameter"]
    assert {"name": "default", "valueString": "4.0"} in stated
    assert client.post("$versions").status == 200
    assert client.get("Patient/$versions").status == 404


@pytest.mark.parametrize(
    "body", [b"7", b"[]", b'{"resourceType":"Parameters","parameter":7}', b"{}"]
)
def test_odd_bodies_of_operations_are_no_fault(client: Client, body: bytes) -> None:
    client.stored(a_patient(id="p1"))
    for path in ("Patient/$validate", "Patient/p1/$meta-add", "Patient/p1/$everything"):
        assert client.post(path, body).status < 500
