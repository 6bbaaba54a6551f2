from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.examples import (
    SYSTEM,
    a_patient,
    an_identified_patient,
    an_observation,
    an_observation_of,
    an_organization,
)
from tests.http import Answer, Client, entry

PATIENT = "urn:uuid:11111111-1111-4111-8111-111111111111"
OTHER = "urn:uuid:22222222-2222-4222-8222-222222222222"
ONE = f"identifier={SYSTEM}|1"


def responses(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    bundle = answer.json
    assert bundle["type"] == "transaction-response"
    return [each["response"] for each in bundle["entry"]]


def statuses(answer: Answer) -> list[str]:
    return [response["status"][:3] for response in responses(answer)]


def located(client: Client, response: dict[str, Any]) -> Any:
    return client.get(response["location"].partition("/_history")[0]).json


def test_entries_are_answered_in_their_order(client: Client) -> None:
    client.stored(a_patient(id="gone"))
    client.stored(a_patient(id="there"))
    answer = client.transaction(
        entry("GET", "Patient/there"),
        entry("PUT", "Patient/there", a_patient(id="there", active=True)),
        entry("POST", "Patient", a_patient()),
        entry("DELETE", "Patient/gone"),
        entry("PUT", "Patient/new", a_patient(id="new")),
    )
    assert statuses(answer) == ["200", "200", "201", "204", "201"]
    assert responses(answer)[1]["etag"] == 'W/"2"'
    assert responses(answer)[4]["location"].endswith("Patient/new/_history/1")
    assert client.get("Patient/gone").status == 410


def test_reads_see_what_the_transaction_wrote(client: Client) -> None:
    answer = client.transaction(
        entry("GET", "Patient/p1"),
        entry("GET", f"Patient?{ONE}"),
        entry("PUT", "Patient/p1", an_identified_patient("1", id="p1")),
    )
    read, found, _ = answer.json["entry"]
    assert read["resource"]["id"] == "p1"
    assert [each["resource"]["id"] for each in found["resource"]["entry"]] == ["p1"]


def test_references_between_entries_are_rewritten_everywhere(client: Client) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{PATIENT}">him</a></div>'
    observation = an_observation_of(
        PATIENT,
        text={"status": "generated", "div": div},
        extension=[
            {"url": "http://e.example/uri", "valueUri": PATIENT},
            {"url": "http://e.example/ref", "valueReference": {"reference": PATIENT}},
            {"url": "http://e.example/word", "valueString": PATIENT},
        ],
        contained=[{"resourceType": "Specimen", "id": "s", "subject": {"reference": PATIENT}}],
    )
    answer = client.transaction(
        entry("POST", "Observation", observation), entry("POST", "Patient", a_patient(), PATIENT)
    )
    stored = located(client, responses(answer)[0])
    name = responses(answer)[1]["location"].partition("/_history")[0]
    name = "/".join(name.split("/")[-2:])
    assert stored["subject"]["reference"] == name
    assert stored["contained"][0]["subject"]["reference"] == name
    assert f'href="{name}"' in stored["text"]["div"]
    assert stored["extension"][0]["valueUri"] == name
    assert stored["extension"][1]["valueReference"]["reference"] == name
    assert stored["extension"][2]["valueString"] == PATIENT, "a string is no reference"


def test_circular_references_are_resolved(client: Client) -> None:
    def linked(to: str) -> dict[str, Any]:
        return a_patient(link=[{"other": {"reference": to}, "type": "seealso"}])

    answer = client.transaction(
        entry("POST", "Patient", linked(OTHER), PATIENT),
        entry("POST", "Patient", linked(PATIENT), OTHER),
    )
    first, second = (located(client, response) for response in responses(answer))
    assert first["link"][0]["other"]["reference"] == f"Patient/{second['id']}"
    assert second["link"][0]["other"]["reference"] == f"Patient/{first['id']}"


@pytest.mark.parametrize(
    ("full_url", "reference"),
    [
        ("http://elsewhere.example/fhir/Patient/77", "http://elsewhere.example/fhir/Patient/77"),
        ("http://elsewhere.example/fhir/Patient/77", "Patient/77"),
        ("https://elsewhere.example/Patient/77", "https://elsewhere.example/Patient/77"),
        ("urn:oid:1.2.3.4", "urn:oid:1.2.3.4"),
    ],
)
def test_full_urls_of_any_kind_are_names(client: Client, full_url: str, reference: str) -> None:
    answer = client.transaction(
        entry("POST", "Observation", an_observation_of(reference)),
        entry("POST", "Patient", a_patient(), full_url),
    )
    stored = located(client, responses(answer)[0])
    patient = located(client, responses(answer)[1])
    assert stored["subject"]["reference"] == f"Patient/{patient['id']}"
    assert patient["id"] != "77"


def test_relative_references_between_updates_count_as_existing(client: Client) -> None:
    answer = client.transaction(
        entry("PUT", "Observation/o1", an_observation_of("Patient/p1", id="o1")),
        entry("PUT", "Patient/p1", a_patient(id="p1")),
    )
    assert statuses(answer) == ["201", "201"]


def test_a_reference_to_nothing_is_refused_with_its_entry(client: Client) -> None:
    answer = client.transaction(
        entry("POST", "Patient", a_patient(), PATIENT),
        entry("POST", "Observation", an_observation_of("Patient/nobody")),
    )
    assert answer.status == 422
    assert answer.paths == ["Bundle.entry[1].resource.subject.reference"]
    assert client.total_versions() == 0


def test_a_urn_that_no_entry_has_stays_as_it_was_sent(client: Client) -> None:
    """It is no reference to this server, so that its target exists is not for us to say."""
    answer = client.transaction(entry("POST", "Observation", an_observation_of(OTHER)))
    assert located(client, responses(answer)[0])["subject"]["reference"] == OTHER


def test_one_bad_entry_refuses_all_and_every_problem_is_named(client: Client) -> None:
    answer = client.transaction(
        entry("POST", "Patient", a_patient()),
        entry("POST", "Patient", a_patient(gender="blue")),
        entry("POST", "Observation", an_observation(colour="red")),
    )
    assert answer.status == 422
    assert "Bundle.entry[1].resource.gender" in answer.paths
    assert any(path.startswith("Bundle.entry[2].resource") for path in answer.paths)
    assert client.total_versions() == 0


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"request": {}},
        {"request": {"method": "POST"}},
        {"request": {"method": "PAINT", "url": "Patient"}, "resource": a_patient()},
        {"request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "POST", "url": "Nothing"}, "resource": a_patient()},
        {"request": {"method": "POST", "url": "Observation"}, "resource": a_patient()},
        {"request": {"method": "POST", "url": 7}, "resource": a_patient()},
        {"request": {"method": "PUT", "url": "Patient"}, "resource": a_patient()},
        {"request": {"method": "PUT", "url": "Patient/a/b"}, "resource": a_patient()},
        {"request": {"method": "PUT", "url": "Patient/x"}, "resource": a_patient(id="y")},
        {"request": {"method": "PUT", "url": "Patient/a_b"}, "resource": a_patient(id="a_b")},
        {"request": {"method": "PUT", "url": "Patient/" + "x" * 65}, "resource": a_patient(id="x" * 65)},
        {"request": {"method": "DELETE", "url": "Patient/a_b"}},
        {"request": {"method": "DELETE", "url": "Patient"}},
        {"request": {"method": "PUT", "url": "Patient/x", "ifMatch": 1}, "resource": a_patient(id="x")},
        {"request": {"method": "PUT", "url": "Patient/x", "ifMatch": "W/\"9\""}, "resource": a_patient(id="x")},
        {"request": {"method": "POST", "url": "Patient", "ifNoneExist": "colour=red"}, "resource": a_patient()},
        {"request": {"method": "PATCH", "url": "Patient/nobody"}, "resource": {"resourceType": "Binary"}},
        {"request": {"method": "POST", "url": "Patient"}, "resource": []},
        {"request": {"method": "GET", "url": "Patient/nobody"}},
        {"request": {"method": "GET", "url": "Nothing/at/all"}},
        {"request": {"method": "GET", "url": "Patient?colour=red"}},
        {"request": {"method": "POST", "url": "Patient/$nothing"}, "resource": a_patient()},
        [],
        "entry",
        None,
    ],
)  # fmt: skip
def test_a_bad_entry_is_named_and_nothing_is_written(client: Client, bad: Any) -> None:
    answer = client.transaction(entry("POST", "Patient", a_patient()), bad)
    assert 400 <= answer.status < 500, answer.body
    assert "Bundle.entry" in " ".join(answer.paths) + answer.said
    if isinstance(bad, dict):
        assert any("Bundle.entry[1]" in path for path in answer.paths), answer.body
    assert client.total_versions() == 0


def test_a_json_patch_travels_in_a_binary(client: Client) -> None:
    client.stored(a_patient(id="p1", active=True))
    operations = [{"op": "replace", "path": "/active", "value": False}]
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    answer = client.transaction(entry("PATCH", "Patient/p1", binary))
    assert statuses(answer) == ["200"]
    assert client.get("Patient/p1").json["active"] is False


def test_a_fhirpath_patch_travels_as_it_is(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1", active=True))
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": False},
    ]
    change = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    assert statuses(client.transaction(entry("PATCH", f"Patient?{ONE}", change))) == ["200"]
    assert client.get("Patient/p1").json["active"] is False


def test_a_bad_patch_is_named_by_entry(client: Client) -> None:
    client.stored(a_patient(id="p1", active=True))
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": "W10x",
    }
    answer = client.transaction(
        entry("POST", "Patient", a_patient()), entry("PATCH", "Patient/p1", binary)
    )
    assert 400 <= answer.status < 500
    assert any("Bundle.entry[1]" in path for path in answer.paths)
    assert client.total_versions() == 1


def test_if_match_is_checked_for_every_entry(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    update = a_patient(id="p1", active=True)
    assert client.transaction(entry("PUT", "Patient/p1", update, ifMatch='W/"7"')).status == 412
    assert client.transaction(entry("DELETE", "Patient/p1", ifMatch='W/"7"')).status == 412
    answer = client.transaction(entry("PUT", "Patient/p1", update, ifMatch='W/"1"'))
    assert statuses(answer) == ["200"]


def test_two_entries_for_one_resource_are_refused(client: Client) -> None:
    put = entry("PUT", "Patient/p1", a_patient(id="p1"))
    answer = client.transaction(put, put)
    assert 400 <= answer.status < 500
    assert "Bundle.entry[1]" in answer.paths
    delete = entry("DELETE", "Patient/p1")
    assert 400 <= client.transaction(put, delete).status < 500
    assert client.total_versions() == 0


def test_two_entries_with_one_full_url_are_refused(client: Client) -> None:
    answer = client.transaction(
        entry("POST", "Patient", a_patient(), PATIENT),
        entry("POST", "Patient", a_patient(), PATIENT),
    )
    assert 400 <= answer.status < 500
    assert client.total_versions() == 0


def test_what_a_transaction_deletes_may_not_be_referred_to_by_it(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    answer = client.transaction(
        entry("DELETE", "Patient/p1"),
        entry("POST", "Observation", an_observation_of("Patient/p1")),
    )
    assert answer.status in (409, 422)
    assert client.get("Patient/p1").status == 200


def test_digits_and_key_order_survive_a_rewritten_reference(client: Client) -> None:
    text = (
        b'{"resourceType":"Bundle","type":"transaction","entry":['
        b'{"fullUrl":"%b","request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Patient"}},'
        b'{"request":{"method":"PUT","url":"Observation/o"},"resource":{"valueQuantity":{"value":1.50,"unit":"kg"},'
        b'"status":"final","resourceType":"Observation","id":"o","code":{"text":"w"},'
        b'"subject":{"reference":"%b"}}}]}' % (PATIENT.encode(), PATIENT.encode())
    )
    assert client.post("", text).status == 200
    body = client.get("Observation/o").body
    assert b'{"value":1.50,"unit":"kg"}' in body
    assert body.index(b"valueQuantity") < body.index(b"status") < body.index(b"subject")


@pytest.mark.parametrize("kind", ["collection", "document", "searchset", None, 7])
def test_a_bundle_of_another_type_is_refused(client: Client, kind: object) -> None:
    answer = client.post("", {"resourceType": "Bundle", "type": kind, "entry": []})
    assert answer.status in (400, 422)


def test_another_resource_than_a_bundle_is_refused_at_the_base(client: Client) -> None:
    assert client.post("", a_patient()).status == 400


def test_a_transaction_without_entries_is_fine(client: Client) -> None:
    assert client.post("", {"resourceType": "Bundle", "type": "transaction"}).status == 200


@pytest.mark.parametrize(
    ("preference", "body"),
    [("minimal", False), ("representation", True), ("OperationOutcome", False)],
)
def test_prefer_return_applies_to_entries(client: Client, preference: str, body: bool) -> None:
    prefer = f"return={preference}"
    answer = client.transaction(entry("POST", "Patient", a_patient()), prefer=prefer)
    (found,) = answer.json["entry"]
    assert ("resource" in found) == body
    assert ("outcome" in found["response"]) == (preference == "OperationOutcome")


def test_a_bundle_of_5000_entries_works(client: Client) -> None:
    entries = [entry("POST", "Organization", an_organization(), PATIENT)]
    entries += [
        entry("POST", "Patient", a_patient(managingOrganization={"reference": PATIENT}))
        for _ in range(4_999)
    ]
    assert set(statuses(client.transaction(*entries))) == {"201"}
    count = client.get("Patient/_history?_summary=count").json["total"]
    assert count == 4_999


def test_null_is_an_id_like_any_other(client: Client) -> None:
    answer = client.transaction(
        {
            "resource": {"resourceType": "Patient", "id": "null"},
            "request": {"method": "PUT", "url": "Patient/null"},
        }
    )
    assert answer.status == 200, answer.body
    assert client.get("Patient/null").id == "null"
