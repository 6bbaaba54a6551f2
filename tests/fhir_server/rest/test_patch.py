from __future__ import annotations

import pytest

from tests.examples import a_patient, an_identified_patient
from tests.http import Client

DEACTIVATE = [{"op": "replace", "path": "/active", "value": False}]


def fhirpath_patch(**parts: object) -> dict[str, object]:
    listed = [{"name": name, f"value{_kind(name)}": value} for name, value in parts.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": listed}]}


def _kind(name: str) -> str:
    return {"type": "Code", "value": "Boolean"}.get(name, "String")


REPLACE = fhirpath_patch(type="replace", path="Patient.active", value=False)


@pytest.fixture(autouse=True)
def _stored(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1", active=True))


def test_json_patch_makes_the_next_version(client: Client) -> None:
    answer = client.patch("Patient/p1", DEACTIVATE)
    assert (answer.status, answer.headers["etag"]) == (200, 'W/"2"')
    assert client.get("Patient/p1").json["active"] is False


def test_fhirpath_patch_makes_the_next_version(client: Client) -> None:
    answer = client.patch("Patient/p1", REPLACE)
    assert (answer.status, answer.headers["etag"]) == (200, 'W/"2"')
    assert client.get("Patient/p1").json["active"] is False


def test_patch_of_what_never_was_is_404_and_of_what_was_deleted_410(client: Client) -> None:
    assert client.patch("Patient/nobody", DEACTIVATE).status == 404
    client.delete("Patient/p1")
    assert client.patch("Patient/p1", DEACTIVATE).status == 410


def test_patch_with_a_stale_if_match_is_412(client: Client) -> None:
    assert client.patch("Patient/p1", DEACTIVATE, if_match='W/"1"').status == 200
    assert client.patch("Patient/p1", DEACTIVATE, if_match='W/"1"').status == 412


def test_patch_to_what_is_not_valid_is_422_and_changes_nothing(client: Client) -> None:
    answer = client.patch("Patient/p1", [{"op": "add", "path": "/colour", "value": "red"}])
    assert answer.status in (400, 422)
    assert client.get("Patient/p1").headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "replace", "path": "/nowhere/deep", "value": 1}],
        [{"op": "paint", "path": "/active", "value": 1}],
        [{"op": "test", "path": "/active", "value": False}],
        [{"path": "/active"}],
        ["active"],
    ],
)
def test_a_patch_that_cannot_be_applied_is_refused(
    client: Client, operations: list[object]
) -> None:
    answer = client.patch("Patient/p1", operations)
    assert 400 <= answer.status < 500
    assert answer.issues
    assert client.get("Patient/p1").headers["etag"] == 'W/"1"'


@pytest.mark.parametrize("change", [("id", "p2"), ("resourceType", "Person")])
def test_a_patch_may_not_change_what_the_resource_is(
    client: Client, change: tuple[str, str]
) -> None:
    name, value = change
    answer = client.patch("Patient/p1", [{"op": "replace", "path": f"/{name}", "value": value}])
    assert 400 <= answer.status < 500
    assert client.get("Patient/p1").headers["etag"] == 'W/"1"'
    assert client.get("Person/p1").status == 404


@pytest.mark.parametrize("body", [b"{}", b"1", b"null", b'"x"', b"[", b""])
def test_a_json_patch_that_is_no_array_is_refused(client: Client, body: bytes) -> None:
    answer = client.patch("Patient/p1", body, content_type="application/json-patch+json")
    assert answer.status in (400, 422)


def test_fhirpath_patch_of_another_resource_is_refused(client: Client) -> None:
    assert client.patch("Patient/p1", a_patient()).status in (400, 422)


def test_patch_in_another_content_type_is_415(client: Client) -> None:
    assert client.patch("Patient/p1", b"x", content_type="text/plain").status == 415


def test_patch_keeps_the_digits_of_decimals(client: Client) -> None:
    sent = (
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"w"},'
        b'"valueQuantity":{"value":1.50}}'
    )
    client.put("Observation/o", sent)
    operations = [{"op": "replace", "path": "/status", "value": "amended"}]
    assert b'"value":1.50' in client.patch("Observation/o", operations).body
