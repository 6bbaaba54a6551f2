"""Contained resources as results, and what contains them. https://hl7.org/fhir/R4/search.html#contained"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from fhir_server.context import Store
from fhir_server.storage import reindex
from tests.eyes import a_new_database, a_parameter, a_patient, index
from tests.fhir_server.conftest import BASE
from tests.http import Answer, Client

__all__ = ["a_new_database"]

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def medication(id_: str, code: str, **more: Any) -> dict[str, Any]:
    coding = {"system": RXNORM, "code": code, "display": f"Drug {code}"}
    return {"resourceType": "Medication", "id": id_, "code": {"coding": [coding]}, **more}


def request(id_: str, *inner: dict[str, Any]) -> dict[str, Any]:
    reference = f"#{inner[0]['id']}" if inner else "Medication/stored"
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        **({"contained": list(inner)} if inner else {}),
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": reference},
        "subject": {"reference": "Patient/p"},
    }


@pytest.fixture
def drugs(client: Client) -> Client:
    client.stored({"resourceType": "Patient", "id": "p", "name": [{"family": "Outer"}]})
    client.stored(medication("stored", "1"))
    client.stored(request("r1", medication("m", "1")))
    client.stored(request("r2", medication("m", "2"), medication("n", "1")))
    client.stored(request("r3"))
    return client


def urls(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    listed = answer.json.get("entry", [])
    matches = [each for each in listed if each["search"]["mode"] == "match"]
    return [each["fullUrl"].removeprefix(f"{BASE}/") for each in matches]


def found(client: Client, query: str) -> list[str]:
    return sorted(urls(client.get(query)))


def walk(client: Client, query: str) -> list[str]:
    gone: list[str] = []
    answer = client.get(query)
    while True:
        gone += urls(answer)
        links = {each["relation"]: each["url"] for each in answer.json["link"]}
        if "next" not in links:
            return gone
        answer = client.get(links["next"].partition("/fhir/")[2])


def test_without_contained_only_what_stands_alone_is_found(drugs: Client) -> None:
    assert found(drugs, "Medication?code=1") == ["Medication/stored"]
    assert found(drugs, "Medication?code=1&_contained=false") == ["Medication/stored"]
    assert found(drugs, "Medication?code=2") == []


def test_true_finds_the_containers_of_what_is_contained(drugs: Client) -> None:
    containers = ["MedicationRequest/r1", "MedicationRequest/r2"]
    assert found(drugs, "Medication?code=1&_contained=true") == containers
    assert found(drugs, "Medication?code=1&_contained=true&_containedType=container") == containers
    assert found(drugs, "Medication?code=2&_contained=true") == containers[1:]


def test_both_finds_what_stands_alone_too(drugs: Client) -> None:
    assert found(drugs, "Medication?code=1&_contained=both") == [
        "Medication/stored",
        "MedicationRequest/r1",
        "MedicationRequest/r2",
    ]


def test_contained_gives_the_contained_resource_under_its_containers_address(
    drugs: Client,
) -> None:
    answer = drugs.get("Medication?code=2&_contained=true&_containedType=contained")
    assert urls(answer) == ["MedicationRequest/r2#m"]
    assert answer.json["entry"][0]["resource"] == medication("m", "2")
    assert found(drugs, "Medication?code=1&_contained=both&_containedType=contained") == [
        "Medication/stored",
        "MedicationRequest/r1#m",
        "MedicationRequest/r2#n",
    ]


def test_a_container_stands_once_for_all_that_it_contains(drugs: Client) -> None:
    answer = drugs.get("Medication?code=1,2&_contained=true&_total=accurate")
    assert sorted(urls(answer)) == ["MedicationRequest/r1", "MedicationRequest/r2"]
    assert answer.json["total"] == 2
    each = drugs.get("Medication?_contained=true&_containedType=contained&_total=accurate")
    assert (len(urls(each)), each.json["total"]) == (3, 3)


@pytest.mark.parametrize("sort", ["", "_lastUpdated", "-code", "_id", "expiration-date"])
@pytest.mark.parametrize(
    "kind", ["true", "both", "true&_containedType=contained", "both&_containedType=contained"]
)
def test_pages_neither_repeat_nor_skip(drugs: Client, sort: str, kind: str) -> None:
    for number in range(5):
        inner = [medication(name, name, **dated(number)) for name in ("a", "b")]
        drugs.stored(request(f"s{number}", *inner))
    query = f"Medication?_contained={kind}{f'&_sort={sort}' if sort else ''}"
    expected = urls(drugs.get(f"{query}&_count=100"))
    assert len(expected) == len(set(expected)) >= 7
    assert walk(drugs, f"{query}&_count=2") == expected


def dated(number: int) -> dict[str, Any]:
    if number % 2:
        return {}
    return {"batch": {"expirationDate": f"203{number}-01-01"}}


def test_an_ordered_parameter_finds_what_is_contained(drugs: Client) -> None:
    drugs.stored(request("r4", medication("m", "4", **dated(2)), medication("n", "4", **dated(4))))
    kind = "_contained=true&_containedType=contained"
    later = "Medication?expiration-date=ge2033&"
    assert found(drugs, later + kind) == ["MedicationRequest/r4#n"]
    assert found(drugs, later) == []
    ordered = urls(drugs.get(f"Medication?code=4&_sort=-expiration-date&{kind}"))
    assert ordered == ["MedicationRequest/r4#n", "MedicationRequest/r4#m"]
    assert found(drugs, "Medication?code:text=drug%204&_contained=true") == ["MedicationRequest/r4"]


def test_missing_asks_the_contained_resource(drugs: Client) -> None:
    drugs.stored(request("r4", medication("m", "4", **dated(2))))
    query = "Medication?_contained=true&expiration-date:missing="
    assert found(drugs, query + "false") == ["MedicationRequest/r4"]
    assert found(drugs, query + "true") == ["MedicationRequest/r1", "MedicationRequest/r2"]


def test_a_string_of_a_contained_person_is_found_and_no_chain_leads_to_it(drugs: Client) -> None:
    inner = {"resourceType": "Patient", "id": "inner", "name": [{"family": "Inner"}]}
    drugs.stored(
        {
            "resourceType": "Observation",
            "id": "o",
            "contained": [inner],
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": "#inner"},
        }
    )
    assert found(drugs, "Patient?family=inn&_contained=true") == ["Observation/o"]
    assert found(drugs, "Patient?family=inn") == []
    assert found(drugs, "Observation?subject:Patient.family=inn") == []


def test_a_reference_of_what_is_contained_is_followed_and_has_its_target_kept(
    drugs: Client,
) -> None:
    drugs.stored({"resourceType": "Organization", "id": "maker", "name": "Maker"})
    made = medication("m", "5", manufacturer={"reference": "Organization/maker"})
    drugs.stored(request("r5", made))
    chained = "Medication?manufacturer.name=maker"
    assert found(drugs, chained + "&_contained=true") == ["MedicationRequest/r5"]
    assert found(drugs, chained) == []
    refused = drugs.delete("Organization/maker")
    assert refused.status == 409
    assert "MedicationRequest/r5" in refused.said


def test_an_update_takes_away_what_is_contained_no_more(drugs: Client, store: Store) -> None:
    drugs.stored(request("r2", medication("n", "7", **dated(2))))
    assert found(drugs, "Medication?code=2&_contained=true") == []
    assert found(drugs, "Medication?code=7&_contained=true") == ["MedicationRequest/r2"]
    drugs.stored(request("r2"))
    assert found(drugs, "Medication?code=7&_contained=true") == []
    assert left_over(store) == 0


def left_over(store: Store) -> int:
    """Return how many dates there are of what is not there."""
    sql = (
        "SELECT count(*) FROM date_index WHERE key NOT IN"
        " (SELECT key FROM resource UNION ALL SELECT key FROM contained)"
    )
    with store.database.connection() as connection:
        return int(connection.query(sql)[0][0])


def test_a_deletion_takes_away_what_was_contained(drugs: Client, store: Store) -> None:
    drugs.stored(request("r1", medication("m", "1", **dated(2))))
    assert drugs.delete("MedicationRequest/r1").status == 204
    assert found(drugs, "Medication?code=1&_contained=true") == ["MedicationRequest/r2"]
    assert left_over(store) == 0


def test_a_write_that_is_refused_leaves_what_is_contained(drugs: Client) -> None:
    dangling = {**request("r1", medication("m", "9")), "subject": {"reference": "Patient/nobody"}}
    assert drugs.put("MedicationRequest/r1", dangling).status == 422
    assert found(drugs, "Medication?code=9&_contained=true") == []
    assert "MedicationRequest/r1" in found(drugs, "Medication?code=1&_contained=true")


def test_a_name_written_with_escapes_is_the_same_name(drugs: Client) -> None:
    text = str(request("r1", medication("m", "1"))).replace("'", '"')
    escaped = text.replace('"contained"', '"cont\\u0061ined"').encode()
    for _ in range(2):
        assert drugs.put("MedicationRequest/r1", escaped).status == 200
    assert "MedicationRequest/r1" in found(drugs, "Medication?code=1&_contained=true")
    drugs.stored(request("r1"))
    assert found(drugs, "Medication?code=1&_contained=true") == ["MedicationRequest/r2"]


def test_a_transaction_writes_and_takes_away_what_is_contained(drugs: Client) -> None:
    writes = [
        request("r1", medication("m", "8")),
        request("r2"),
        request("r9", medication("m", "8")),
    ]
    sent = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": each,
                "request": {"method": "PUT", "url": f"MedicationRequest/{each['id']}"},
            }
            for each in writes
        ],
    }
    assert drugs.post("", sent).status == 200
    assert found(drugs, "Medication?code=8&_contained=true") == [
        "MedicationRequest/r1",
        "MedicationRequest/r9",
    ]
    assert found(drugs, "Medication?code=1,2&_contained=true") == []


def test_writers_at_the_same_time_leave_what_the_last_one_contains(
    drugs: Client, store: Store
) -> None:
    sent = [request("r1", medication("m", str(code), **dated(0))) for code in range(20, 28)]
    answers = drugs.all(drugs.sending("PUT", "MedicationRequest/r1", each) for each in sent)
    assert {answer.status for answer in answers} == {200}
    last = drugs.get("MedicationRequest/r1").json["contained"][0]["code"]["coding"][0]["code"]
    codes = ",".join(str(code) for code in range(20, 28))
    query = f"Medication?code={codes}&_contained=true&_containedType=contained"
    entries = drugs.get(query).json["entry"]
    assert [each["resource"]["code"]["coding"][0]["code"] for each in entries] == [last]
    assert left_over(store) == 0


def test_the_system_finds_contained_resources_of_several_types(drugs: Client) -> None:
    query = "?_type=Medication,Patient&_contained=both&_containedType=contained"
    assert found(drugs, query) == [
        *("Medication/stored", "MedicationRequest/r1#m", "MedicationRequest/r2#m"),
        *("MedicationRequest/r2#n", "Patient/p"),
    ]


def test_everything_and_compartments_never_meet_what_is_contained(drugs: Client) -> None:
    inner = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}}
    outer = {
        "resourceType": "Basic",
        "id": "b",
        "contained": [inner],
        "code": {"text": "x"},
        "extension": [{"url": "urn:x", "valueReference": {"reference": "#c"}}],
    }
    drugs.stored(outer)
    assert found(drugs, "Condition?subject=Patient/p&_contained=true") == ["Basic/b"]
    assert found(drugs, "Patient/p/Condition") == []
    refused = drugs.get("Patient/p/Condition?_contained=true")
    assert (refused.status, "compartment" in refused.said) == (400, True)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("_contained=yes", "_contained has to be false, true or both, not 'yes'."),
        ("_contained=", "_contained has to be false, true or both, not ''."),
        ("_containedType=inner", "_containedType has to be container or contained, not 'inner'."),
        ("_contained=true&_include=Medication:manufacturer", "_include and _revinclude"),
        ("_contained=both&_revinclude=MedicationRequest:medication", "_include and _revinclude"),
    ],
)
def test_what_contained_does_not_take_is_refused(drugs: Client, query: str, said: str) -> None:
    refused = drugs.get(f"Medication?{query}")
    assert refused.status == 400
    assert said in refused.said


def test_criteria_of_a_conditional_write_take_no_contained(drugs: Client) -> None:
    criteria = "code=1&_contained=true"
    sent = medication("x", "1")
    del sent["id"]
    refused = drugs.post("Medication", sent, if_none_exist=criteria)
    assert (refused.status, "_contained" in refused.said) == (400, True)


def test_a_page_link_is_of_one_kind_of_result_only(drugs: Client) -> None:
    answer = drugs.get("Medication?_contained=true&_containedType=contained&_count=1")
    link = next(each["url"] for each in answer.json["link"] if each["relation"] == "next")
    page = link.partition("_page=")[2]
    assert (
        drugs.get(f"Medication?_contained=true&_count=1&_page={quote(page, safe='%')}").status
        == 400
    )


def test_indexing_anew_brings_back_what_is_contained(drugs: Client, store: Store) -> None:
    with store.database.connection() as connection:
        connection.query("TRUNCATE contained")
        reindex.queue_all(connection)
    index(store)
    for _ in range(2):
        assert found(drugs, "Medication?code=1&_contained=true") == [
            "MedicationRequest/r1",
            "MedicationRequest/r2",
        ]
        with store.database.connection() as connection:
            before = connection.query("SELECT * FROM contained ORDER BY key")
            reindex.queue_all(connection)
        index(store)
    with store.database.connection() as connection:
        assert connection.query("SELECT * FROM contained ORDER BY key") == before
        unequal = (
            "SELECT FROM contained c JOIN resource r ON r.key = c.container AND r.txid <> c.txid"
        )
        assert connection.query(unequal) == []


def test_a_new_parameter_finds_what_was_contained_before(client: Client, store: Store) -> None:
    inner = a_patient("inner", "blue", birthDate="2000-01-01")
    for number in range(3):
        basic = {"resourceType": "Basic", "id": f"b{number}", "code": {"text": "x"}}
        client.stored({**basic, "contained": [inner], "subject": {"reference": "#inner"}})
    client.stored(a_parameter())
    assert found(client, "Patient?eye=blue&_contained=true") == []
    index(store)
    assert len(found(client, "Patient?eye=blue&_contained=true")) == 3
    assert left_over(store) == 0
