from __future__ import annotations

import pytest

from tests.examples import a_patient
from tests.http import Client

STORED = {"family": "Chalmers"}


def a_stored_patient(client: Client) -> str:
    return str(client.stored(a_patient(id="p1", name=[STORED]))["id"])


def test_read_returns_the_stored_resource(client: Client) -> None:
    a_stored_patient(client)
    answer = client.get("Patient/p1")
    assert answer.status == 200
    assert answer.json["name"] == [STORED]
    assert answer.json["meta"]["versionId"] == "1"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["last-modified"].endswith("GMT")
    assert answer.headers["content-type"].startswith("application/fhir+json")


def test_read_of_what_never_was_is_404(client: Client) -> None:
    answer = client.get("Patient/nobody")
    assert (answer.status, answer.codes) == (404, ["not-found"])


def test_read_of_the_same_id_of_another_type_is_404(client: Client) -> None:
    a_stored_patient(client)
    assert client.get("Observation/p1").status == 404


def test_read_of_what_was_deleted_is_410_with_the_version(client: Client) -> None:
    a_stored_patient(client)
    client.delete("Patient/p1")
    answer = client.get("Patient/p1")
    assert (answer.status, answer.codes) == (410, ["deleted"])
    assert answer.headers["etag"] == 'W/"2"'


def test_head_answers_like_get_without_the_body(client: Client) -> None:
    a_stored_patient(client)
    got, head = client.get("Patient/p1"), client.head("Patient/p1")
    assert head.body == b""
    assert head.status == 200
    own = {"x-request-id"}
    assert {name: value for name, value in head.headers.items() if name not in own} == {
        name: value for name, value in got.headers.items() if name not in own
    }


def test_head_of_what_never_was_is_404_without_a_body(client: Client) -> None:
    answer = client.head("Patient/nobody")
    assert (answer.status, answer.body) == (404, b"")


def test_read_of_a_known_version_is_304_without_a_body(client: Client) -> None:
    a_stored_patient(client)
    answer = client.get("Patient/p1", if_none_match='W/"1"')
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == 'W/"1"'
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("tags", ['W/"7"', '"7", W/"8"', "7", '""'])
def test_read_of_an_unknown_version_is_200(client: Client, tags: str) -> None:
    a_stored_patient(client)
    assert client.get("Patient/p1", if_none_match=tags).status == 200


@pytest.mark.parametrize("tags", ["*", '"7", W/"1"', '"1"'])
def test_any_tag_that_fits_is_enough_for_304(client: Client, tags: str) -> None:
    a_stored_patient(client)
    assert client.get("Patient/p1", if_none_match=tags).status == 304


def test_read_since_the_last_change_is_304(client: Client) -> None:
    a_stored_patient(client)
    changed = client.get("Patient/p1").headers["last-modified"]
    assert client.get("Patient/p1", if_modified_since=changed).status == 304


@pytest.mark.parametrize("since", ["Mon, 01 Jan 2001 00:00:00 GMT", "yesterday", "0", ""])
def test_read_since_before_the_last_change_is_200(client: Client, since: str) -> None:
    a_stored_patient(client)
    assert client.get("Patient/p1", if_modified_since=since).status == 200


def test_vread_returns_each_version(client: Client) -> None:
    a_stored_patient(client)
    client.put("Patient/p1", a_patient(id="p1", active=True))
    first, second = client.get("Patient/p1/_history/1"), client.get("Patient/p1/_history/2")
    assert "active" not in first.json
    assert second.json["active"] is True
    assert (first.headers["etag"], second.headers["etag"]) == ('W/"1"', 'W/"2"')


@pytest.mark.parametrize("version", ["2", "0", "-1", "x", "99999999999999999999", "1.0", "٣"])
def test_vread_of_a_version_that_never_was_is_404(client: Client, version: str) -> None:
    a_stored_patient(client)
    assert client.get(f"Patient/p1/_history/{version}").status == 404


def test_vread_of_the_deletion_is_410_but_the_version_before_stays(client: Client) -> None:
    a_stored_patient(client)
    client.delete("Patient/p1")
    assert client.get("Patient/p1/_history/2").status == 410
    assert client.get("Patient/p1/_history/1").status == 200


def test_summary_leaves_the_summary_and_says_so(client: Client) -> None:
    client.stored(a_patient(id="p1", name=[STORED], photo=[{"title": "face"}]))
    answer = client.get("Patient/p1?_summary=true").json
    assert answer["name"] == [STORED]
    assert "photo" not in answer
    assert [tag["code"] for tag in answer["meta"]["tag"]] == ["SUBSETTED"]


def test_summary_text_leaves_the_narrative(client: Client) -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">A patient</div>'
    text = {"status": "generated", "div": div}
    client.stored(a_patient(id="p1", text=text, name=[STORED]))
    assert set(client.get("Patient/p1?_summary=text").json) == {
        "resourceType",
        "id",
        "meta",
        "text",
    }
    assert "text" not in client.get("Patient/p1?_summary=data").json


def test_summary_false_leaves_everything(client: Client) -> None:
    a_stored_patient(client)
    whole = client.get("Patient/p1").body
    assert client.get("Patient/p1?_summary=false").body == whole
    assert client.get("Patient/p1?_summary=count").status == 200


def test_an_unknown_summary_is_refused(client: Client) -> None:
    a_stored_patient(client)
    assert client.get("Patient/p1?_summary=most").status == 400


def test_elements_leaves_those_named(client: Client) -> None:
    client.stored(a_patient(id="p1", name=[STORED], birthDate="1970-01-01"))
    answer = client.get("Patient/p1?_elements=birthDate").json
    assert "name" not in answer
    assert answer["birthDate"] == "1970-01-01"


def test_pretty_indents_and_changes_nothing_else(client: Client) -> None:
    a_stored_patient(client)
    plain, pretty = client.get("Patient/p1"), client.get("Patient/p1?_pretty=true")
    assert b'\n  "id"' in pretty.body
    assert pretty.json == plain.json
    assert client.get("Patient/p1?_pretty=false").body == plain.body
