"""Criteria inside a transaction: conditional creates, updates, deletes and references."""

from __future__ import annotations

from tests.examples import (
    SYSTEM,
    a_patient,
    an_identified_patient,
    an_observation_of,
)
from tests.fhir_server.rest.test_transaction import (
    ONE,
    PATIENT,
    located,
    responses,
    statuses,
)
from tests.http import Client, entry


def test_conditional_creates_make_the_second_sending_a_no_op(client: Client) -> None:
    entries = (
        entry("POST", "Patient", an_identified_patient("1"), PATIENT, ifNoneExist=ONE),
        entry(
            "POST",
            "Observation",
            an_observation_of(PATIENT, identifier=[{"system": SYSTEM, "value": "o"}]),
            ifNoneExist=f"identifier={SYSTEM}|o",
        ),
    )
    first, second = client.transaction(*entries), client.transaction(*entries)
    assert statuses(first) == ["201", "201"]
    assert statuses(second) == ["200", "200"]
    assert [each["location"] for each in responses(first)] == [
        each["location"] for each in responses(second)
    ]
    assert client.total_versions() == 2


def test_a_reference_to_a_conditional_create_leads_to_what_it_found(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    answer = client.transaction(
        entry("POST", "Patient", an_identified_patient("1"), PATIENT, ifNoneExist=ONE),
        entry("POST", "Observation", an_observation_of(PATIENT)),
    )
    assert located(client, responses(answer)[1])["subject"]["reference"] == "Patient/p1"


def test_the_same_criteria_twice_create_one(client: Client) -> None:
    create = entry("POST", "Patient", an_identified_patient("1"), ifNoneExist=ONE)
    answer = client.transaction(create, create)
    assert sorted(statuses(answer)) == ["200", "201"]
    assert client.total_versions() == 1


def test_criteria_with_two_matches_are_412(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    client.stored(an_identified_patient("1", id="p2"))
    for bad in (
        entry("POST", "Patient", an_identified_patient("1"), ifNoneExist=ONE),
        entry("PUT", f"Patient?{ONE}", an_identified_patient("1")),
        entry("DELETE", f"Patient?{ONE}"),
        entry("POST", "Observation", an_observation_of(f"Patient?{ONE}")),
    ):
        answer = client.transaction(entry("POST", "Patient", a_patient()), bad)
        assert answer.status == 412, answer.body
        assert any("Bundle.entry[1]" in path for path in answer.paths)
    assert client.total_versions() == 2


def test_conditional_updates_and_deletes_go_to_their_match(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    client.stored(an_identified_patient("2", id="p2"))
    answer = client.transaction(
        entry("PUT", f"Patient?{ONE}", an_identified_patient("1", active=True), PATIENT),
        entry("DELETE", f"Patient?identifier={SYSTEM}|2"),
        entry("PUT", f"Patient?identifier={SYSTEM}|3", an_identified_patient("3")),
        entry("DELETE", f"Patient?identifier={SYSTEM}|4"),
        entry("POST", "Observation", an_observation_of(PATIENT)),
    )
    assert statuses(answer) == ["200", "204", "201", "204", "201"]
    assert client.get("Patient/p1").json["active"] is True
    assert client.get("Patient/p2").status == 410
    assert located(client, responses(answer)[4])["subject"]["reference"] == "Patient/p1"


def test_conditional_references_are_resolved(client: Client) -> None:
    client.stored(an_identified_patient("1", id="p1"))
    answer = client.transaction(entry("POST", "Observation", an_observation_of(f"Patient?{ONE}")))
    assert located(client, responses(answer)[0])["subject"]["reference"] == "Patient/p1"


def test_a_conditional_reference_finds_what_the_same_bundle_creates(client: Client) -> None:
    answer = client.transaction(
        entry("POST", "Observation", an_observation_of(f"Patient?{ONE}")),
        entry("POST", "Patient", an_identified_patient("1"), ifNoneExist=ONE),
    )
    patient = located(client, responses(answer)[1])
    assert (
        located(client, responses(answer)[0])["subject"]["reference"] == f"Patient/{patient['id']}"
    )


def test_a_conditional_reference_to_nothing_is_412_with_its_entry(client: Client) -> None:
    answer = client.transaction(entry("POST", "Observation", an_observation_of(f"Patient?{ONE}")))
    assert answer.status == 412
    assert answer.paths[0].startswith("Bundle.entry[0]")
    assert client.total_versions() == 0
