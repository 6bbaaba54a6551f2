from __future__ import annotations

import re
from pathlib import Path

import pytest

from fhir_server import codec
from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.storage.blobs import FileBlobs
from tests.examples import a_patient, an_observation_of
from tests.http import Client

BASE = "http://localhost/fhir"
LOCATION = re.compile(r"http://localhost/fhir/Patient/([0-9a-f-]{36})/_history/1")


def test_create_makes_an_id_and_says_where(client: Client) -> None:
    answer = client.post("Patient", a_patient(active=True))
    assert answer.status == 201
    found = LOCATION.fullmatch(answer.headers["location"])
    assert found
    assert found[1] == answer.id
    assert answer.headers["etag"] == 'W/"1"'
    assert "last-modified" in answer.headers
    assert client.get(f"Patient/{answer.id}").body == answer.body


def test_create_ignores_the_id_and_version_that_the_client_sends(client: Client) -> None:
    sent = a_patient(id="mine", meta={"versionId": "9", "lastUpdated": "2001-01-01T00:00:00Z"})
    answer = client.post("Patient", sent)
    assert answer.id != "mine"
    assert answer.json["meta"]["versionId"] == "1"
    assert not answer.json["meta"]["lastUpdated"].startswith("2001")
    assert client.get("Patient/mine").status == 404


def test_create_keeps_profiles_tags_and_security_labels(client: Client) -> None:
    meta = {
        "profile": ["http://profiles.example/p"],
        "tag": [{"system": "http://tags.example", "code": "t"}],
        "security": [{"system": "http://labels.example", "code": "R"}],
    }
    stored = client.post("Patient", a_patient(meta=meta)).json["meta"]
    assert {name: stored[name] for name in meta} == meta


def test_create_of_another_type_than_the_address_says_is_refused(client: Client) -> None:
    answer = client.post("Observation", a_patient())
    assert answer.status in (400, 422)
    assert answer.paths == ["resourceType"]
    assert client.total_versions() == 0


def test_minimal_returns_no_body(client: Client) -> None:
    answer = client.post("Patient", a_patient(), prefer="return=minimal")
    assert (answer.status, answer.body) == (201, b"")
    assert LOCATION.fullmatch(answer.headers["location"])


def test_representation_returns_the_resource(client: Client) -> None:
    answer = client.post("Patient", a_patient(), prefer="return=representation")
    assert answer.json["resourceType"] == "Patient"


def test_operation_outcome_returns_an_outcome(client: Client) -> None:
    answer = client.post("Patient", a_patient(), prefer="handling=strict; return=OperationOutcome")
    assert answer.status == 201
    assert answer.codes == ["informational"]
    assert answer.issues[0]["severity"] == "information"


def test_create_with_a_reference_that_leads_nowhere_is_422_and_names_it(client: Client) -> None:
    answer = client.post("Observation", an_observation_of("Patient/nobody"))
    assert (answer.status, answer.codes) == (422, ["not-found"])
    assert answer.paths == ["Observation.subject.reference"]
    assert "Patient/nobody" in answer.said
    assert client.total_versions() == 0


@pytest.mark.parametrize(
    "reference",
    ["Patient/p1", "http://localhost/fhir/Patient/p1", "Patient/p1/_history/1"],
)
def test_create_with_a_reference_to_what_exists_is_201(client: Client, reference: str) -> None:
    client.stored(a_patient(id="p1"))
    assert client.post("Observation", an_observation_of(reference)).status == 201


@pytest.mark.parametrize(
    "reference",
    ["http://elsewhere.example/fhir/Patient/x", "urn:uuid:6f8d1b5c-1f8a-4c3b-9a50-0242ac120002"],
)
def test_references_to_other_servers_are_not_checked(client: Client, reference: str) -> None:
    assert client.post("Observation", an_observation_of(reference)).status == 201


def test_create_with_a_reference_to_what_was_deleted_is_422(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    client.delete("Patient/p1")
    assert client.post("Observation", an_observation_of("Patient/p1")).status == 422


def test_without_referential_integrity_a_reference_may_lead_nowhere(
    empty_database: str, tmp_path: Path
) -> None:
    store = Store(Database(empty_database), FileBlobs(tmp_path), BASE, integrity=False)
    body = codec.made(an_observation_of("Patient/nobody"))
    assert store.single(lambda repository: repository.create(body)).version == 1
    store.database.close()


def test_every_problem_of_a_resource_is_named(client: Client) -> None:
    answer = client.post("Observation", {"resourceType": "Observation", "colour": "red"})
    assert answer.status == 422
    assert len(answer.issues) >= 3, "no status, no code, an unknown element"
    assert client.total_versions() == 0


def test_text_is_stored_as_it_was_sent(client: Client) -> None:
    text = (
        b'{ "resourceType" : "Observation", "valueQuantity":{"unit":"kg","value":1.50},'
        b'"status":"final","code":{"text":"\\u00e9 \xf0\x9f\x98\x80 \\/"} }'
    )
    body = client.post("Observation", text).body
    assert b'"value":1.50' in body
    assert body.index(b"valueQuantity") < body.index(b'"status"') < body.index(b'"code"')
    assert b'"\\u00e9 \xf0\x9f\x98\x80 \\/"' in body
