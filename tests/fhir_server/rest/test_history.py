from __future__ import annotations

from typing import Any

import pytest

from tests.examples import a_patient, an_observation
from tests.http import Answer, Client


def entries(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    bundle = answer.json
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "history")
    found: list[dict[str, Any]] = bundle.get("entry", [])
    return found


def etags(answer: Answer) -> list[str]:
    return [entry["response"]["etag"] for entry in entries(answer)]


def link(answer: Answer, relation: str) -> str | None:
    found = [each["url"] for each in answer.json["link"] if each["relation"] == relation]
    return found[0].removeprefix("http://localhost/fhir/") if found else None


@pytest.fixture(autouse=True)
def _versions(client: Client) -> None:
    client.post("Observation", an_observation())
    for active in (True, False, True):
        client.put("Patient/p1", a_patient(id="p1", active=active))
    client.delete("Patient/p1")


def test_history_of_an_instance_is_newest_first(client: Client) -> None:
    answer = client.get("Patient/p1/_history")
    assert etags(answer) == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']
    methods = [entry["request"]["method"] for entry in entries(answer)]
    assert methods == ["DELETE", "PUT", "PUT", "PUT"]
    statuses = [entry["response"]["status"][:3] for entry in entries(answer)]
    assert statuses == ["204", "200", "200", "201"]
    deleted, third = entries(answer)[:2]
    assert "resource" not in deleted
    assert third["resource"]["meta"]["versionId"] == "3"
    assert third["fullUrl"] == "http://localhost/fhir/Patient/p1"


def test_history_of_what_never_was_is_404(client: Client) -> None:
    assert client.get("Patient/nobody/_history").status == 404


def test_history_of_a_type_has_that_type_only(client: Client) -> None:
    assert len(entries(client.get("Patient/_history"))) == 4
    created = entries(client.get("Observation/_history"))
    assert [entry["request"] for entry in created] == [{"method": "POST", "url": "Observation"}]
    assert entries(client.get("Device/_history")) == []


def test_history_of_the_system_has_all(client: Client) -> None:
    assert len(entries(client.get("_history"))) == 5


@pytest.mark.parametrize("path", ["Patient/p1/_history", "Patient/_history", "_history"])
def test_pages_follow_each_other_without_gap_or_repetition(client: Client, path: str) -> None:
    whole = [(e["fullUrl"], e["response"]["etag"]) for e in entries(client.get(path))]
    found, following = [], f"{path}?_count=2"
    while following:
        answer = client.get(following)
        assert 0 < len(entries(answer)) <= 2
        found += [(e["fullUrl"], e["response"]["etag"]) for e in entries(answer)]
        following = link(answer, "next") or ""
    assert found == whole


def test_a_page_stays_the_same_while_others_write(client: Client) -> None:
    following = link(client.get("Patient/_history?_count=2"), "next")
    assert following
    before = etags(client.get(following))
    client.put("Patient/p2", a_patient(id="p2"))
    assert etags(client.get(following)) == before


def test_since_leaves_out_what_was_before(client: Client) -> None:
    third = entries(client.get("Patient/p1/_history"))[1]["resource"]["meta"]["lastUpdated"]
    assert etags(client.get(f"Patient/p1/_history?_since={third}")) == ['W/"4"', 'W/"3"']
    assert etags(client.get("Patient/p1/_history?_since=2999-01-01T00:00:00Z")) == []


def test_at_gives_what_was_current_then(client: Client) -> None:
    second = entries(client.get("Patient/p1/_history"))[2]["resource"]["meta"]["lastUpdated"]
    assert etags(client.get(f"Patient/p1/_history?_at={second}")) == ['W/"2"']
    assert etags(client.get("Patient/p1/_history?_at=2001")) == []


@pytest.mark.parametrize(
    "query",
    [
        "_since=yesterday",
        "_at=x",
        "_count=-1",
        "_count=x",
        "_page=x",
        "_page=%C3%A9",
        "_page=MXwyfDM",
        "_since=9999-99-99",
        "_at=0000",
        "_since=9999",
        "_at=9999-12",
        "_since=9999-12-31T23:59:60-14:00",
        "_at=0001-01-01T00:00:00%2B14:00",
        "colour=red",
        "_since=",
    ],
)
def test_parameters_that_mean_nothing_are_400_or_ignored(client: Client, query: str) -> None:
    assert client.get(f"Patient/_history?{query}").status in (200, 400)


def test_an_unknown_parameter_is_refused_unless_lenient(client: Client) -> None:
    assert client.get("_history?colour=red", prefer="handling=strict").status == 400
    assert client.get("_history?colour=red", prefer="handling=lenient").status == 200


def test_a_count_of_none_gives_no_entry(client: Client) -> None:
    assert entries(client.get("_history?_count=0")) == []


def test_summary_count_gives_the_number_only(client: Client) -> None:
    answer = client.get("Patient/p1/_history?_summary=count")
    assert entries(answer) == []
    assert answer.json["total"] == 4


def test_summary_and_elements_apply_to_each_entry(client: Client) -> None:
    for query in ("_elements=gender", "_summary=text"):
        found = entries(client.get(f"Patient/p1/_history?{query}"))[1]["resource"]
        assert "SUBSETTED" in str(found["meta"]["tag"])


def test_head_of_a_history_has_no_body(client: Client) -> None:
    answer = client.head("Patient/p1/_history")
    assert (answer.status, answer.body) == (200, b"")
