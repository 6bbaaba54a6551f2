from __future__ import annotations

from tests.examples import SYSTEM, a_patient, an_identified_patient, an_observation_of
from tests.http import Answer, Client, entry


def statuses(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    assert answer.json["type"] == "batch-response"
    return [each["response"]["status"][:3] for each in answer.json["entry"]]


def test_entries_of_a_batch_stand_for_themselves(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    answer = client.batch(
        entry("POST", "Patient", a_patient()),
        entry("POST", "Patient", a_patient(gender="blue")),
        entry("GET", "Patient/p1"),
        entry("GET", "Patient/nobody"),
        entry("DELETE", "Patient/p1"),
        entry("PUT", "Patient/p2", a_patient(id="p2")),
        {"resource": a_patient()},
    )
    assert statuses(answer) == ["201", "422", "200", "404", "204", "201", "422"]
    entries = answer.json["entry"]
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert entries[2]["resource"]["id"] == "p1"
    assert "outcome" in entries[3]["response"]
    assert entries[5]["response"]["location"].endswith("Patient/p2/_history/1")
    assert entries[5]["response"]["etag"] == 'W/"1"'


def test_a_batch_does_not_resolve_references_between_entries(client: Client) -> None:
    """https://hl7.org/fhir/R4/http.html#brules: entries do not depend on each other."""
    name = "urn:uuid:11111111-1111-4111-8111-111111111111"
    answer = client.batch(
        entry("POST", "Patient", a_patient(), name),
        entry("PUT", "Observation/o", an_observation_of(name, id="o")),
    )
    assert statuses(answer)[0] == "201"
    if statuses(answer)[1] == "201":
        assert client.get("Observation/o").json["subject"]["reference"] == name


def test_conditions_work_in_a_batch(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    one = f"identifier={SYSTEM}|1"
    answer = client.batch(
        entry("POST", "Patient", an_identified_patient("1"), ifNoneExist=one),
        entry("GET", "Patient/p1", ifNoneMatch='W/"1"'),
        entry("PUT", "Patient/p1", a_patient(id="p1"), ifMatch='W/"9"'),
        entry("PUT", f"Patient?{one}", an_identified_patient("1", active=True)),
        entry("DELETE", f"Patient?{one}"),
    )
    assert statuses(answer) == ["200", "304", "412", "200", "204"]


def test_a_bundle_inside_a_batch_is_refused(client: Client) -> None:
    inner = {"resourceType": "Bundle", "type": "batch", "entry": []}
    answer = client.batch(entry("POST", "", inner), entry("POST", "/", inner))
    assert all(status.startswith("4") for status in statuses(answer))


def test_absolute_urls_of_this_server_are_taken(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    answer = client.batch(
        entry("GET", "http://localhost/fhir/Patient/p1"),
        entry("GET", "/Patient/p1"),
        entry("GET", "http://elsewhere.example/fhir/Patient/p1"),
    )
    assert statuses(answer)[:2] == ["200", "200"]
    assert statuses(answer)[2].startswith("4")


def test_operations_work_in_a_batch(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    answer = client.batch(
        entry("GET", "Patient/p1/$meta"),
        entry("POST", "Patient/$validate", a_patient(gender="blue")),
        entry("GET", "metadata"),
        entry("GET", "_history"),
    )
    assert statuses(answer) == ["200", "200", "200", "200"]


def test_searches_work_in_a_batch(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    found = client.batch(entry("GET", f"Patient?identifier={SYSTEM}|1")).json["entry"][0]
    assert [each["resource"]["id"] for each in found["resource"]["entry"]] == ["p1"]
