"""The table of bad input: a clear OperationOutcome, nothing lost, never a 500."""

from __future__ import annotations

import gzip
import json

import pytest

from fhir_server.context import Store
from fhir_server.rest.call import Limits
from tests.examples import a_patient
from tests.fhir_server.conftest import Connect
from tests.http import Client

PATIENT = b'{"resourceType":"Patient"}'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"no json",
        b"{",
        b'{"resourceType":"Patient"',
        b'{"resourceType":"Patient"}}',
        b'{"resourceType":"Patient",}',
        b"{'resourceType':'Patient'}",
        b'{"resourceType":"Patient","active":NaN}',
        b'{"resourceType":"Patient","active":Infinity}',
        b'{"resourceType":"Patient","active":01}',
        b'{"resourceType":"Patient","resourceType":"Patient"}',
        b'{"resourceType":"Patient","name":[{"family":"a","family":"b"}]}',
        b'{"resourceType":"Patient","name":[{"family":"a","f\\u0061mily":"b"}]}',
        b'{"resourceType":"Patient","name":[{"family":"\xff"}]}',
        b'{"resourceType":"Patient","name":[{"family":"\xed\xa0\x80"}]}',
        b'{"resourceType":"Patient","name":[{"family":"a\x00b"}]}',
        b'{"resourceType":"Patient","name":[{"family":"a\\u0000b"}]}',
        b'{"resourceType":"Patient","name":[{"fam\\u0000ily":"a"}]}',
        b'{"resourceType":"Patient","name":[{"family":"\n"}]}',
        PATIENT.decode().encode("utf-16"),
        PATIENT.decode().encode("utf-16-le"),
        PATIENT.decode().encode("utf-32"),
        b"[" * 10_000 + b"]" * 10_000,
        b'{"resourceType":"Patient","extension":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"resourceType":"Patient","a":' * 10_000 + b"1" + b"}" * 10_000,
        b"[]",
        b"null",
        b"7",
        b'"Patient"',
        b"{}",
        b'{"resourceType":7}',
        b'{"resourceType":null}',
    ],
)
def test_what_cannot_be_read_is_400_with_the_issue_structure(client: Client, body: bytes) -> None:
    answer = client.post("Patient", body)
    assert answer.status == 400, answer.body
    assert answer.codes == ["structure"]
    assert answer.issues[0]["diagnostics"]
    assert client.total_versions() == 0


def test_where_the_json_breaks_is_said(client: Client) -> None:
    answer = client.post("Patient", b'{\n "resourceType": "Patient",\n "active": tru }')
    assert "line 3, column 12" in answer.said


def test_which_key_stands_twice_is_said(client: Client) -> None:
    answer = client.post("Patient", b'{"resourceType":"Patient","gender":"male","gender":"female"}')
    assert "gender" in answer.said


@pytest.mark.parametrize(
    "name",
    [
        "\u202eright to left\u202c",
        "\U0001f600\U00020000",
        "e\u0301 is not \u00e9",
        "\ufeff\u200b\u2028",
        "O'Brien; DROP TABLE resource--",
        "100% {} %s $1 \\",
        "<b>&amp;</b>",
    ],
)
def test_odd_characters_are_stored_and_returned_as_sent(client: Client, name: str) -> None:
    stored = client.stored(a_patient(name=[{"family": name}]))
    found = client.get(f"Patient/{stored['id']}").json
    assert found["name"] == [{"family": name}]


@pytest.mark.parametrize(
    "escape", [b"\\ud800", b"\\udc00", b"\\ud800\\ud800", b"\\u0001", b"\\u001f"]
)
def test_lone_surrogates_and_control_characters_are_refused_or_kept(
    client: Client, escape: bytes
) -> None:
    answer = client.post("Patient", b'{"resourceType":"Patient","name":[{"family":"%b"}]}' % escape)
    assert answer.status in (201, 400, 422)
    if answer.status == 201:
        assert escape in client.get(f"Patient/{answer.id}").body
    else:
        assert answer.issues


def test_escaped_surrogate_pairs_are_a_character(client: Client) -> None:
    answer = client.post(
        "Patient", b'{"resourceType":"Patient","name":[{"family":"\\ud83d\\ude00"}]}'
    )
    assert answer.json["name"][0]["family"] == "\U0001f600"


# Size


def test_a_body_over_the_limit_is_413(store: Store, connect: Connect) -> None:
    client = connect(store, Limits(body=1_000))
    assert client.post("Patient", PATIENT + b" " * 2_000).status == 413
    assert client.post("Patient", PATIENT, content_length="2000").status == 413
    assert client.post("Patient", PATIENT + b" " * 500).status == 201


@pytest.mark.parametrize("length", ["\xb2", "-1", "x", ""])
def test_a_length_that_is_no_number_is_ignored(client: Client, length: str) -> None:
    assert client.post("Patient", PATIENT, content_length=length).status == 201


def test_a_length_of_thousands_of_digits_is_413(client: Client) -> None:
    assert client.post("Patient", PATIENT, content_length="9" * 5_000).status == 413


def test_a_gzip_bomb_is_refused(client: Client) -> None:
    bomb = gzip.compress(PATIENT + b" " * (60 << 20))
    answer = client.post("Patient", bomb, content_encoding="gzip")
    assert answer.status in (400, 413)
    nested = gzip.compress(b"\0" * (200 << 20), 1)
    assert client.post("Patient", nested, content_encoding="gzip").status in (400, 413)


def test_gzip_over_the_limit_is_413(store: Store, connect: Connect) -> None:
    client = connect(store, Limits(body=1_000))
    packed = gzip.compress(PATIENT + b" " * 2_000)
    assert client.post("Patient", packed, content_encoding="gzip").status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"no gzip",
        gzip.compress(PATIENT, mtime=0)[:-4],
        gzip.compress(PATIENT, mtime=0)[:12],
        b"",
        PATIENT,
    ],
)
def test_gzip_that_is_none_is_400(client: Client, body: bytes) -> None:
    answer = client.post("Patient", body, content_encoding="gzip")
    assert (answer.status, answer.codes) == (400, ["structure"])


# Addresses


@pytest.mark.parametrize(
    "path",
    [
        "Nothing",
        "Nothing/1",
        "patient",
        "Patient/1/2",
        "Patient/1/_history/1/2",
        "Resource",
        "DomainResource/1",
        "SubscriptionStatus",
        "T",
        "T/i",
        "i",
        "v",
        "Patient/1/x",
        "..",
        "../admin",
        "Patient/../Patient",
        "Patient/%2e%2e",
        "%2e%2e/%2e%2e/etc/passwd",
        "Patient//1",
        "$nothing",
        "Patient/$nothing",
        "Patient/1/$nothing",
        "$",
        "_search/1",
        "metadata/x",
    ],
)
def test_an_address_that_is_none_is_refused(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status in (400, 404)
    assert answer.codes[0] in ("not-supported", "not-found", "structure")


def test_an_unknown_type_is_404_not_supported(client: Client) -> None:
    answer = client.get("Nothing/1")
    assert (answer.status, answer.codes) == (404, ["not-supported"])


@pytest.mark.parametrize("path", ["Patient/%00", "Patient/a%00b", "%00", "Patient?family=%00"])
def test_nul_in_an_address_is_400(client: Client, path: str) -> None:
    assert client.get(path).status in (400, 404)


@pytest.mark.parametrize(
    "path", ["Patient/a%FFb", "Patient/%ED%A0%80", "Patient?family=%FF", "Patient?%FF=1"]
)
def test_an_address_that_is_no_utf8_is_refused(client: Client, path: str) -> None:
    assert client.get(path).status in (400, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "Patient/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("PUT", "Patient/1/_history/1", {"GET", "HEAD"}),
        ("DELETE", "Patient/1/_history", {"GET", "HEAD"}),
        ("PUT", "metadata", {"GET", "HEAD"}),
        ("DELETE", "", {"GET", "HEAD", "POST"}),
        ("PAINT", "Patient/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("TRACE", "Patient", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("get", "Patient/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ],
)
def test_the_wrong_method_is_405_with_allow(
    client: Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.send(method, path)
    assert answer.status == 405
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed
    assert answer.codes == ["not-supported"]


def test_a_query_that_is_too_long_is_414(client: Client) -> None:
    assert client.get("Patient?family=" + "x" * 100_000).status == 414


def test_more_parameters_than_anyone_needs_are_refused(client: Client) -> None:
    assert client.get("Patient?" + "&".join(["_id=1"] * 10_000)).status in (200, 400, 414)


# Resources


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"gender": "blue"},
        {"gender": 7},
        {"birthDate": "1970-02-30"},
        {"birthDate": "yesterday"},
        {"birthDate": 1970},
        {"active": "true"},
        {"active": None},
        {"name": {"family": "x"}},
        {"name": []},
        {"name": [{}]},
        {"name": [None]},
        {"name": [{"family": ""}]},
        {"deceasedBoolean": True, "deceasedDateTime": "2020"},
        {"multipleBirthInteger": 1.5},
        {"multipleBirthInteger": 10**30},
        {"meta": "x"},
        {"meta": {"tag": "x"}},
        {"contained": [{"resourceType": "Nothing"}]},
        {"contained": ["x"]},
        {"link": [{}]},
        {"managingOrganization": {"reference": 7}},
        {"managingOrganization": "Organization/1"},
        {"text": {"status": "generated", "div": "<script>alert(1)</script>"}},
    ],
)
def test_what_is_not_r4_is_422_or_400_and_names_the_element(
    client: Client, wrong: dict[str, object]
) -> None:
    answer = client.post("Patient", a_patient(**wrong))
    assert answer.status in (400, 422), answer.body
    assert any(path.startswith("Patient") for path in answer.paths)
    assert client.total_versions() == 0


def test_every_problem_is_listed(client: Client) -> None:
    answer = client.post("Patient", a_patient(gender="blue", colour="red", birthDate="x"))
    assert answer.status == 422
    assert len(answer.issues) >= 3


@pytest.mark.parametrize("entries", [{}, 7, "x", [7], [[]], [None], None])
def test_a_bundle_of_another_shape_is_refused(client: Client, entries: object) -> None:
    for kind in ("batch", "transaction"):
        answer = client.post("", {"resourceType": "Bundle", "type": kind, "entry": entries})
        assert answer.status in (400, 422)


def test_numbers_of_any_length_come_back_as_sent_or_are_refused(client: Client) -> None:
    for number in ("1." + "0" * 50, "0." + "3" * 60, "1e30", "-0.0", "1E-5", "9" * 400):
        text = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s}}'
        answer = client.post("Observation", (text % number).encode())
        assert answer.status in (201, 400, 422), answer.body
        if answer.status == 201:
            assert f'"value":{number}'.encode() in answer.body


def test_an_outcome_never_holds_what_a_stack_trace_says(client: Client) -> None:
    for path in ("Nothing", "Patient/%00", "Patient/1"):
        body = client.get(path).body
        assert b"Traceback" not in body
        assert b".py" not in body
        json.loads(body)
