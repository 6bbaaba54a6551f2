from __future__ import annotations

import gzip

import pytest

from tests.examples import a_patient
from tests.http import Client, encoded

LONG = a_patient(id="long", name=[{"family": "x" * 5_000}])


@pytest.fixture(autouse=True)
def _stored(client: Client) -> None:
    client.stored(a_patient(id="p1", active=True))


# What is accepted


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/fhir+json", "json"),
        ("application/json", "json"),
        ("application/json; charset=utf-8", "json"),
        ("application/fhir+json; fhirVersion=4.0", "json"),
        ("application/fhir+xml", "xml"),
        ("application/xml", "xml"),
        ("text/html, application/fhir+xml;q=0.9, */*;q=0.1", "xml"),
        ("application/fhir+xml;q=0.1, application/fhir+json", "json"),
    ],
)
def test_the_accept_header_chooses_the_format(client: Client, accept: str, kind: str) -> None:
    answer = client.get("Patient/p1", accept=accept)
    assert answer.status == 200
    assert answer.headers["content-type"] == f"application/fhir+{kind}; charset=utf-8"
    assert answer.body.startswith({"json": b"{", "xml": b"<"}[kind])


@pytest.mark.parametrize(
    "accept",
    ["image/png", "text/csv", "application/fhir+json; fhirVersion=3.0", "application/pdf;q=1"],
)
def test_what_is_not_spoken_here_is_406(client: Client, accept: str) -> None:
    answer = client.get("Patient/p1", accept=accept)
    assert answer.status == 406
    assert answer.issues


@pytest.mark.parametrize("value", ["json", "application/fhir+json", "application/fhir%2Bjson"])
def test_format_wins_over_accept(client: Client, value: str) -> None:
    answer = client.get(f"Patient/p1?_format={value}", accept="application/fhir+xml")
    assert answer.headers["content-type"].startswith("application/fhir+json")


def test_format_xml_gives_xml_and_another_is_406(client: Client) -> None:
    assert b'<active value="true"' in client.get("Patient/p1?_format=xml").body
    assert client.get("Patient/p1?_format=yaml").status == 406


@pytest.mark.parametrize("path", ["Patient/p1/_history", "Patient?_id=p1", "metadata"])
def test_bundles_and_statements_come_as_xml_too(client: Client, path: str) -> None:
    answer = client.get(path, accept="application/fhir+xml")
    assert answer.status == 200
    assert answer.body.startswith((b"<Bundle", b"<CapabilityStatement", b"<?xml"))


def test_a_write_that_would_be_answered_in_an_unknown_format_writes_nothing(client: Client) -> None:
    before = client.total_versions()
    assert client.post("Patient", a_patient(), accept="image/png").status == 406
    assert client.total_versions() == before


# What is sent


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json",
        "application/json",
        "application/fhir+json; charset=UTF-8",
        "Application/FHIR+JSON;fhirVersion=4.0",
    ],
)
def test_json_is_taken_under_its_names(client: Client, content_type: str) -> None:
    assert client.post("Patient", a_patient(), content_type=content_type).status == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/fhir+json; charset=iso-8859-1",
        "application/fhir+json; fhirVersion=3.0",
        "multipart/form-data",
        "application/json-patch+json",
        ";;;",
    ],
)
def test_another_content_type_is_415(client: Client, content_type: str) -> None:
    answer = client.post("Patient", a_patient(), content_type=content_type)
    assert answer.status == 415
    assert answer.issues


def test_xml_is_taken_and_bad_xml_is_400(client: Client) -> None:
    xml = b'<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>'
    answer = client.post("Patient", xml, content_type="application/fhir+xml")
    assert (answer.status, answer.json["active"]) == (201, True)
    for bad in (
        b"<Patient",
        b"{}",
        b"",
        b'<Patient xmlns="http://hl7.org/fhir"><colour value="1"/></Patient>',
    ):
        answer = client.post("Patient", bad, content_type="application/fhir+xml")
        assert answer.status in (400, 422)


def test_xml_with_entities_of_its_own_is_refused(client: Client) -> None:
    xml = (
        b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        b'<Patient xmlns="http://hl7.org/fhir"><name><family value="&x;"/></name></Patient>'
    )
    answer = client.post("Patient", xml, content_type="application/fhir+xml")
    assert answer.status in (400, 415, 422)
    assert b"root:" not in answer.body


# Compression


def test_gzip_in(client: Client) -> None:
    body = gzip.compress(encoded(LONG))
    assert client.put("Patient/long", body, content_encoding="gzip").status == 201
    assert client.get("Patient/long").json["name"] == LONG["name"]


def test_another_encoding_in_is_415(client: Client) -> None:
    assert client.put("Patient/long", LONG, content_encoding="br").status == 415


def test_gzip_out_when_asked_and_worth_it(client: Client) -> None:
    client.stored(LONG)
    plain = client.get("Patient/long")
    packed = client.get("Patient/long", accept_encoding="deflate, gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in client.get("Patient/p1", accept_encoding="gzip").headers


def test_gzip_that_is_declined_is_not_sent(client: Client) -> None:
    client.stored(LONG)
    answer = client.get("Patient/long", accept_encoding="gzip;q=0, identity")
    assert "content-encoding" not in answer.headers


# Others


def test_cors_is_answered_for_a_browser_only(client: Client) -> None:
    plain = client.get("Patient/p1")
    assert "access-control-allow-origin" not in plain.headers
    answer = client.get("Patient/p1", origin="https://app.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]


def test_a_preflight_names_methods_and_headers(client: Client) -> None:
    answer = client.send(
        "OPTIONS",
        "Patient",
        headers={"origin": "https://app.example", "access-control-request-method": "PUT"},
    )
    assert answer.status in (200, 204)
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "If-Match" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("value", ["return=nothing", "=", ",,;;", "return", "\xff", "x" * 10_000])
def test_a_preference_that_means_nothing_is_ignored(client: Client, value: str) -> None:
    answer = client.post("Patient", a_patient(), prefer=value)
    assert answer.status == 201


@pytest.mark.parametrize(
    ("preference", "status"), [("handling=strict", 400), ("handling=lenient", 200), ("", 400)]
)
def test_unknown_search_parameters_are_refused_unless_lenient(
    client: Client, preference: str, status: int
) -> None:
    assert client.get("Patient?colour=red", prefer=preference).status == status
