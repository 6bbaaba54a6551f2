"""What is not understood: refused, or ignored and said so when Prefer asks for that.

https://hl7.org/fhir/R4/search.html#errors
"""

from __future__ import annotations

import pytest

from tests.http import Answer, Client

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def people(client: Client) -> Client:
    client.stored({"resourceType": "Patient", "id": "one", "gender": "female"})
    client.stored({"resourceType": "Patient", "id": "two", "gender": "male"})
    return client


def found(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    listed = [each for each in answer.json.get("entry", []) if each["search"]["mode"] == "match"]
    return sorted(each["resource"]["id"] for each in listed)


def ignored(answer: Answer) -> list[str]:
    """Return what the outcome in the Bundle says."""
    listed = [
        issue
        for each in answer.json.get("entry", [])
        if each["search"]["mode"] == "outcome"
        for issue in each["resource"]["issue"]
    ]
    assert all(issue["severity"] == "warning" for issue in listed)
    return [issue["diagnostics"] for issue in listed]


def own_link(answer: Answer) -> str:
    return str(next(each["url"] for each in answer.json["link"] if each["relation"] == "self"))


PATHS = [
    ("Patient", "gendr=male&_id=one", "gender", "?_id=one"),
    ("Patient", "_id=one&birthdate=yesterday", "birthdate", "?_id=one"),
    ("Patient", "_id=one&gender:exact=male", ":exact", "?_id=one"),
    ("Patient", "_id=one&_include=Patient:gender", "reference", "?_id=one"),
    ("Patient", "_id=one&_sort=gnder", "gender", "?_id=one"),
    ("Patient", "_id=one&_total=all", "accurate", "?_id=one"),
    ("Patient", "_id=one&_type=Patient", "_type", "?_id=one"),
    ("", "_type=Patient&_id=one&gendr=male", "gender", "?_id=one&_type=Patient"),
    ("Patient/one/Patient", "gendr=male", "gender", "/Patient/one/Patient"),
    ("Patient/one/*", "_type=Patient&gendr=male", "gender", "?_type=Patient"),
]


@pytest.mark.parametrize(("path", "query", "said", "_link"), PATHS)
@pytest.mark.parametrize("preference", ["", "handling=strict", "return=minimal"])
def test_what_is_unknown_is_refused(
    people: Client, path: str, query: str, said: str, _link: str, preference: str
) -> None:
    answer = people.get(f"{path}?{query}", prefer=preference)
    assert answer.status == 400
    assert said in answer.said


@pytest.mark.parametrize(("path", "query", "said", "link"), PATHS)
def test_lenient_handling_ignores_it_and_says_so(
    people: Client, path: str, query: str, said: str, link: str
) -> None:
    answer = people.get(f"{path}?{query}", prefer="handling=lenient")
    assert found(answer) == ["one"]
    assert len(ignored(answer)) == 1
    assert "was ignored" in ignored(answer)[0]
    assert said in ignored(answer)[0]
    assert own_link(answer).endswith(link)


def test_what_is_understood_is_not_called_ignored(people: Client) -> None:
    answer = people.get("Patient?gender=male", prefer="handling=lenient")
    assert (found(answer), ignored(answer)) == (["two"], [])


def test_a_form_is_handled_alike(people: Client) -> None:
    lenient = {**FORM, "prefer": "handling=lenient"}
    answer = people.send("POST", "Patient/_search", b"gendr=male&_id=one", lenient)
    assert (found(answer), len(ignored(answer))) == (["one"], 1)
    assert people.send("POST", "Patient/_search", b"gendr=male&_id=one", FORM).status == 400


@pytest.mark.parametrize("query", ["_type=Patent", "_page=x&_id=one", "_count=x", "_summary=x"])
def test_what_says_which_page_of_what_is_never_ignored(people: Client, query: str) -> None:
    assert people.get(f"?{query}", prefer="handling=lenient").status == 400
