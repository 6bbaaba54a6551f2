""":in, :not-in, :above and :below with stored ValueSets and CodeSystems; :text; UCUM units.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.examples import SYSTEM, a_patient, an_observation_of
from tests.http import Client

ANN = "Patient/ann"
COLOURS = "http://example.org/colours"
REDS = "http://example.org/reds"
BLUES = "http://example.org/blues"
UCUM = "http://unitsofmeasure.org"


def a_value_set(id_: str, url: str, *include: dict[str, Any], **more: Any) -> dict[str, Any]:
    compose = {"compose": {"include": list(include)}} if include else {}
    status = {"status": "active", "url": url}
    return {"resourceType": "ValueSet", "id": id_, **status, **compose, **more}


def below(code: str) -> dict[str, Any]:
    return {
        "system": COLOURS,
        "filter": [{"property": "concept", "op": "is-a", "value": code}],
    }


def painted(id_: str, code: str, **more: Any) -> dict[str, Any]:
    concept = {"coding": [{"system": COLOURS, "code": code, **more}]}
    return an_observation_of(ANN, id=id_, code=concept)


@pytest.fixture
def stored(client: Client) -> Client:
    client.stored(a_patient(id="ann"))
    for id_, code in (("o1", "red"), ("o2", "crimson"), ("o3", "blue")):
        client.stored(painted(id_, code, display=f"The colour {code}"))
    client.stored(an_observation_of(ANN, id="o4", code={"text": "Thé  Colour unknown"}))
    concepts = [{"code": "red", "concept": [{"code": "crimson"}]}, {"code": "blue"}]
    system = {"resourceType": "CodeSystem", "id": "colours", "url": COLOURS, "status": "active"}
    client.stored({**system, "content": "complete", "concept": concepts})
    client.stored(a_value_set("reds", REDS, below("red"), version="1"))
    blue = {"system": COLOURS, "concept": [{"code": "blue"}]}
    client.stored(a_value_set("blues", BLUES, blue))
    return client


def found(client: Client, query: str) -> set[str]:
    answer = client.get(query)
    assert answer.status == 200, answer.json
    return {entry["resource"]["id"] for entry in answer.json.get("entry", ())}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"code:in={REDS}", "o1 o2"),
        (f"code:in={REDS}%7C1", "o1 o2"),
        (f"code:in={REDS}%7C9", "o1 o2"),
        ("code:in=ValueSet/reds", "o1 o2"),
        (f"code:in={REDS},{BLUES}", "o1 o2 o3"),
        (f"code:not-in={REDS}", "o3 o4"),
        (f"code:not-in={REDS},{BLUES}", "o4"),
        (f"code:below={COLOURS}%7Cred", "o1 o2"),
        (f"code:below={COLOURS}%7Ccrimson", "o2"),
        (f"code:above={COLOURS}%7Ccrimson", "o1 o2"),
        (f"code:above={COLOURS}%7Cred", "o1"),
        ("code:below=red", "o1 o2"),
        ("code:text=the%20colour%20", "o1 o2 o3 o4"),
        ("code:text=the%20colour%20r", "o1"),
        ("code:text=colour", ""),
        ("_filter=" + quote(f"code in {REDS} and not (code eq red)"), "o2"),
        ("status:in=http://hl7.org/fhir/ValueSet/observation-status", "o1 o2 o3 o4"),
    ],
)
def test_observations_are_found_by(stored: Client, query: str, expected: str) -> None:
    assert found(stored, f"Observation?{query}") == set(expected.split())


def test_value_sets_follow_through_chains(stored: Client) -> None:
    assert found(stored, f"Patient?_has:Observation:patient:code:in={REDS}") == {"ann"}
    assert found(stored, f"Patient?_has:Observation:patient:code:in={BLUES}") == {"ann"}
    stored.delete("Observation/o3")
    assert found(stored, f"Patient?_has:Observation:patient:code:in={BLUES}") == set()


def test_a_value_set_that_takes_in_others_is_read_with_them(stored: Client) -> None:
    url = "http://example.org/both"
    stored.stored(
        a_value_set(
            "both",
            url,
            {"valueSet": [REDS, BLUES]},
            {"valueSet": ["http://hl7.org/fhir/ValueSet/administrative-gender"]},
        )
    )
    assert found(stored, f"Observation?code:in={url}") == {"o1", "o2", "o3"}
    assert found(stored, f"Observation?code:not-in={url}") == {"o4"}


def test_a_change_of_the_value_set_counts_at_once(stored: Client) -> None:
    blue = {"system": COLOURS, "concept": [{"code": "blue"}]}
    stored.stored(a_value_set("reds", REDS, blue))
    assert found(stored, f"Observation?code:in={REDS}") == {"o3"}
    stored.delete("ValueSet/reds")
    answer = stored.get(f"Observation?code:in={REDS}")
    assert answer.status == 400


def test_the_version_that_is_asked_for_counts_and_else_the_newest(stored: Client) -> None:
    blue = {"system": COLOURS, "concept": [{"code": "blue"}]}
    stored.stored(a_value_set("reds2", REDS, blue, version="2"))
    assert found(stored, f"Observation?code:in={REDS}%7C1") == {"o1", "o2"}
    assert found(stored, f"Observation?code:in={REDS}%7C2") == {"o3"}
    assert found(stored, f"Observation?code:in={REDS}") == {"o3"}


def test_an_expansion_is_taken_as_it_is(stored: Client) -> None:
    contains = [{"system": COLOURS, "code": "crimson"}]
    expansion = {"timestamp": "2024-01-01", "contains": contains}
    stored.stored(a_value_set("ready", "http://example.org/ready", expansion=expansion))
    assert found(stored, "Observation?code:in=http://example.org/ready") == {"o2"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("http://example.org/none", "http://example.org/none"),
        ("ValueSet/none", "there is no ValueSet/none"),
        ("http://example.org/loop", "includes itself"),
        ("http://example.org/snomed", "http://snomed.info/sct"),
    ],
)
@pytest.mark.parametrize("modifier", ["in", "not-in"])
def test_a_value_set_that_cannot_be_enumerated_is_refused(
    stored: Client, value: str, words: str, modifier: str
) -> None:
    loop = "http://example.org/loop"
    stored.stored(a_value_set("loop", loop, {"valueSet": [loop]}))
    stored.stored(
        a_value_set("snomed", "http://example.org/snomed", {"system": "http://snomed.info/sct"})
    )
    answer = stored.get(f"Observation?code:{modifier}={value}")
    assert answer.status == 400
    assert words in answer.said
    assert "'code'" in answer.said


def test_a_conditional_write_takes_value_sets_too(stored: Client) -> None:
    criteria = f"code:in={BLUES}"
    answer = stored.post("Observation", painted("", "blue") | {"id": "x"}, if_none_exist=criteria)
    assert (answer.status, answer.id) == (200, "o3")
    entry = {
        "resource": painted("x", "blue"),
        "request": {"method": "POST", "url": "Observation", "ifNoneExist": criteria},
    }
    answer = stored.transaction(entry)
    assert answer.json["entry"][0]["response"]["status"].startswith("200")


def test_an_amount_is_found_in_another_unit(stored: Client) -> None:
    quantity = {"value": 5400, "unit": "mg", "system": UCUM, "code": "mg"}
    stored.stored(an_observation_of(ANN, id="dose", valueQuantity=quantity))
    assert found(stored, f"Observation?value-quantity=5.4%7C{UCUM}%7Cg") == {"dose"}
    assert found(stored, f"Observation?value-quantity=5.4%7C{UCUM}%7CL") == set()
    assert found(stored, f"Observation?value-quantity=gt5.4%7C{UCUM}%7Cg") == set()


def test_texts_of_identifiers_are_found(client: Client) -> None:
    kind = {"text": "Medical record"}
    client.stored(a_patient(id="p", identifier=[{"system": SYSTEM, "value": "1", "type": kind}]))
    assert found(client, "Patient?identifier:text=medical") == {"p"}
    assert found(client, "Patient?identifier:text=record") == set()
