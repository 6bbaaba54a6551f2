"""Whatever is sent, the answer is an outcome or a resource, and never a fault of the server."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import a_patient, an_observation
from tests.http import Answer, Client, a_bundle

pytestmark = pytest.mark.slow

FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ANY_TEXT = st.text(max_size=20)
HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)
ELEMENTS = st.sampled_from(
    ["id", "meta", "text", "name", "birthDate", "_birthDate", "link", "contained", "extension",
     "identifier", "deceasedBoolean", "photo", "managingOrganization", "resourceType", "status",
     "code", "valueQuantity", "subject", "data", "contentType", "parameter", "entry"]
)  # fmt: skip
TYPES = st.sampled_from(["Patient", "Observation", "Binary", "Parameters", "Bundle", "Basic"])
SEGMENTS = st.sampled_from(
    ["Patient", "Observation", "p1", "*", "_history", "_search", "$meta", "$everything", "$validate",
     "1", "..", "", "metadata", "%00", "x" * 65]
) | ANY_TEXT.map(lambda text: quote(text, safe=""))  # fmt: skip
PARAMETERS = st.sampled_from(
    ["_id", "identifier", "family", "birthdate", "_lastUpdated", "_count", "_sort", "_since", "_at",
     "_page", "_format", "_summary", "_elements", "_total", "_include", "_tag", "general-practitioner",
     "name:exact", "family:missing", "_has:Observation:subject:code", "organization.name", "gender:not",
     "_type", "_revinclude:iterate", "_contained"]
)  # fmt: skip
VALUES = st.sampled_from(
    ["1", "p1", "|", "a|b", "ge2020", "2020-13-45", "-1", "*", "json", "xml", "true", ",", "\\", "$",
     "99999999999999999999", "ne1e400", "Patient/p1", "sa2020-01-01T00:00:00Z", "9999-12-31", "0000",
     "Patient:organization", "Observation:subject:Patient", "Patient,Observation", "-_lastUpdated"]
) | ANY_TEXT  # fmt: skip
HEADERS = st.sampled_from(
    ["accept", "content-type", "if-match", "if-none-match", "if-modified-since", "if-none-exist",
     "prefer", "x-request-id", "content-encoding", "accept-encoding", "x-security-context",
     "content-length", "origin"]
)  # fmt: skip


def check(answer: Answer) -> None:
    assert answer.status < 500, answer.body
    if answer.status >= 400 and answer.body:
        assert answer.issues


@pytest.fixture(autouse=True)
def _stored(client: Client) -> None:
    client.stored(a_patient(id="p1", name=[{"family": "Chalmers"}], birthDate="1970-01-01"))


@FUZZ
@given(body=st.binary(max_size=200), type_=TYPES)
def test_any_bytes(client: Client, body: bytes, type_: str) -> None:
    check(client.post(type_, body))
    check(client.post("", body))


@FUZZ
@given(type_=TYPES, content=st.dictionaries(ELEMENTS, JSON, max_size=5))
def test_any_json_in_place_of_an_element(
    client: Client, type_: str, content: dict[str, Any]
) -> None:
    body = json.dumps({"resourceType": type_, **content}).encode()
    check(client.post(type_, body))
    check(client.put(f"{type_}/f1", body))
    check(client.post(f"{type_}/$validate", body))


@FUZZ
@given(
    entries=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "fullUrl": SCALARS | st.just("urn:uuid:11111111-1111-4111-8111-111111111111"),
                "resource": st.just(a_patient()) | st.just(an_observation()) | JSON,
                "request": st.fixed_dictionaries(
                    {
                        "method": st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
                        "url": st.sampled_from(["Patient", "Patient/p1", "Patient?_id=p1"]) | ANY_TEXT,
                    },
                    optional={"ifMatch": SCALARS, "ifNoneExist": SCALARS, "ifNoneMatch": SCALARS},
                )
                | JSON,
            },
        )
        | JSON,
        max_size=4,
    ),
    kind=st.sampled_from(["batch", "transaction"]),
)  # fmt: skip
def test_any_bundle(client: Client, entries: list[Any], kind: str) -> None:
    answer = client.post("", json.dumps(a_bundle(kind, *entries)).encode())
    check(answer)
    if answer.status == 200:
        statuses = [each["response"]["status"] for each in answer.json.get("entry", [])]
        assert not [status for status in statuses if status.startswith("5")], answer.body


@FUZZ
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PAINT"]),
    segments=st.lists(SEGMENTS, max_size=5),
    query=st.lists(st.tuples(PARAMETERS | ANY_TEXT, VALUES), max_size=3),
)
def test_any_address(
    client: Client, method: str, segments: list[str], query: list[tuple[str, str]]
) -> None:
    asked = "&".join(f"{quote(name)}={quote(value)}" for name, value in query)
    body = a_patient() if method in ("POST", "PUT") else None
    check(client.send(method, "/".join(segments) + (f"?{asked}" if asked else ""), body))


@FUZZ
@given(query=st.lists(st.tuples(PARAMETERS, VALUES), min_size=1, max_size=3))
def test_any_search(client: Client, query: list[tuple[str, str]]) -> None:
    asked = "&".join(f"{quote(name)}={quote(value)}" for name, value in query)
    for path in ("Patient", "", "Patient/p1/*", "Patient/p1/Observation"):
        check(client.get(f"{path}?{asked}"))
        check(client.get(f"{path}?{asked}", prefer="handling=lenient"))
    check(client.post("Patient", a_patient(), if_none_exist=asked))


@FUZZ
@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_any_raw_query(client: Client, query: str) -> None:
    check(client.get(f"Patient?{query}"))
    check(client.get(f"_history?{query}"))


@FUZZ
@given(given_=st.dictionaries(HEADERS, HEADER_TEXT | VALUES.filter(str.isascii), max_size=4))
def test_any_headers(client: Client, given_: dict[str, str]) -> None:
    check(client.send("GET", "Patient/p1", None, given_))
    check(client.send("PUT", "Patient/p1", a_patient(id="p1"), given_))
    check(client.send("POST", "Binary", b"abc", given_))
    check(client.send("DELETE", "Patient/nobody", None, given_))


@FUZZ
@given(operations=JSON | st.lists(st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove", "move", "copy", "test"])},
    optional={"path": st.sampled_from(["/name", "/name/0", "/name/-", "/active", "/id", ""]) | ANY_TEXT,
              "from": ANY_TEXT, "value": JSON},
), max_size=3))  # fmt: skip
def test_any_json_patch(client: Client, operations: Any) -> None:
    body = json.dumps(operations).encode()
    check(client.patch("Patient/p1", body, content_type="application/json-patch+json"))


@FUZZ
@given(content=JSON)
def test_any_fhirpath_patch(client: Client, content: Any) -> None:
    body = {"resourceType": "Parameters", "parameter": content}
    check(client.patch("Patient/p1", json.dumps(body).encode()))
    parts = [{"name": "type", "valueCode": "add"}, {"name": "path", "valueString": content}]
    body = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    check(client.patch("Patient/p1", json.dumps(body).encode()))


@FUZZ
@given(body=st.binary(max_size=100) | ANY_TEXT.map(str.encode))
def test_any_xml(client: Client, body: bytes) -> None:
    whole = b'<Patient xmlns="http://hl7.org/fhir">%b</Patient>' % body
    check(client.post("Patient", whole, content_type="application/fhir+xml"))
    check(client.post("Patient", body, content_type="application/fhir+xml"))
