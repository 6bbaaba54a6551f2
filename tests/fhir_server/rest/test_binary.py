from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.storage.blobs import Blobs, FileBlobs
from fhir_server.storage.s3 import s3_blobs
from tests import s3
from tests.examples import a_patient
from tests.fhir_server.conftest import BASE, Connect
from tests.http import FHIR_JSON, Client, entry

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LARGE = os.urandom(300_000)


def a_binary(content: bytes, **over: object) -> dict[str, object]:
    data = base64.b64encode(content).decode()
    return {"resourceType": "Binary", "contentType": "image/png", "data": data, **over}


def blobs_of(client: Client) -> list[Path]:
    blobs = client.app.store.blobs
    assert isinstance(blobs, FileBlobs)
    return [path for path in blobs.folder.rglob("*") if path.is_file()]


def rows_with_more_than(client: Client, size: int) -> int:
    with client.app.store.database.connection() as connection:
        found = connection.query("SELECT 1 FROM resource WHERE length(content) > %s", (size,))
    return len(found)


@pytest.mark.parametrize("content", [PNG, LARGE, b"x", b"\0" * 70_000], ids=len)
def test_raw_bytes_come_back_with_their_type(client: Client, content: bytes) -> None:
    answer = client.post("Binary", content, content_type="image/png")
    assert answer.status == 201
    raw = client.get(f"Binary/{answer.id}", accept="image/png")
    assert raw.headers["content-type"] == "image/png"
    assert raw.body == content
    assert raw.headers["etag"] == 'W/"1"'


@pytest.mark.parametrize("accept", ["*/*", "", "text/html", "application/octet-stream"])
def test_a_browser_gets_the_bytes_but_may_not_run_them(client: Client, accept: str) -> None:
    page = b"<script>alert(1)</script>"
    id_ = client.post("Binary", page, content_type="text/html").id
    answer = client.get(f"Binary/{id_}", accept=accept)
    assert answer.body == page
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_as_fhir_it_comes_as_a_resource(client: Client) -> None:
    id_ = client.post("Binary", PNG, content_type="image/png").id
    for answer in (
        client.get(f"Binary/{id_}", accept=FHIR_JSON),
        client.get(f"Binary/{id_}?_format=json"),
    ):
        assert answer.headers["content-type"].startswith(FHIR_JSON)
        assert base64.b64decode(answer.json["data"]) == PNG
        assert answer.json["contentType"] == "image/png"
    assert b"<Binary xmlns" in client.get(f"Binary/{id_}", accept="application/fhir+xml").body


def test_a_resource_that_is_no_binary_does_not_come_as_an_image(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    assert client.get("Patient/p1", accept="image/png").status == 406


def test_small_content_is_in_the_row_and_large_content_in_the_store(client: Client) -> None:
    client.stored(a_binary(PNG, id="small"))
    assert blobs_of(client) == []
    client.stored(a_binary(LARGE, id="large"))
    assert len(blobs_of(client)) == 1
    assert rows_with_more_than(client, 70_000) == 0
    assert client.get("Binary/large").body == LARGE


def test_every_way_to_read_brings_the_large_content_along(client: Client) -> None:
    client.stored(a_binary(LARGE, id="b"))
    data = a_binary(LARGE)["data"]
    assert client.get("Binary/b/_history/1", accept=FHIR_JSON).json["data"] == data
    assert client.get("Binary/b/_history/1").body == LARGE
    assert client.get("Binary/b/_history").json["entry"][0]["resource"]["data"] == data
    assert client.get("Binary?_id=b").json["entry"][0]["resource"]["data"] == data
    assert client.batch(entry("GET", "Binary/b")).json["entry"][0]["resource"]["data"] == data


def test_base64_with_line_breaks_comes_back_as_it_was_sent(client: Client) -> None:
    data = base64.encodebytes(LARGE).decode().strip()
    answer = client.put("Binary/b", a_binary(b"", id="b", data=data))
    if answer.status == 201:
        assert client.get("Binary/b", accept=FHIR_JSON).json["data"] == data
        assert client.get("Binary/b").body == LARGE
    else:
        assert answer.status in (400, 422)


@pytest.mark.parametrize("data", ["%%%", "abc", 7, "====", "\u00e9" * 70_000])
def test_what_is_no_base64_is_refused(client: Client, data: object) -> None:
    answer = client.put("Binary/b", a_binary(b"", id="b", data=data))
    assert answer.status in (400, 422)
    assert blobs_of(client) == []


def test_raw_bytes_update_and_delete_like_any_resource(client: Client) -> None:
    assert client.put("Binary/b", PNG, content_type="image/png").status == 201
    assert client.put("Binary/b", LARGE, content_type="image/png").status == 200
    assert client.get("Binary/b").body == LARGE
    assert client.get("Binary/b/_history/1").body == PNG
    assert client.put("Binary/b", PNG, content_type="image/png", if_match='W/"1"').status == 412
    assert client.delete("Binary/b").status == 204
    assert client.get("Binary/b").status == 410


def test_the_security_context_header_is_kept_and_checked(client: Client) -> None:
    client.stored(a_patient(id="p1"))
    answer = client.post("Binary", PNG, content_type="image/png", x_security_context="Patient/p1")
    assert answer.json["securityContext"] == {"reference": "Patient/p1"}
    refused = client.post("Binary", PNG, content_type="image/png", x_security_context="Patient/x")
    assert refused.status == 422


def test_head_and_conditional_read_of_a_binary(client: Client) -> None:
    client.put("Binary/b", PNG, content_type="image/png")
    head = client.head("Binary/b")
    assert (head.status, head.body, head.headers["content-type"]) == (200, b"", "image/png")
    assert client.get("Binary/b", if_none_match='W/"1"').status == 304


@pytest.mark.parametrize(
    "content_type", ['image/png; name="\xe9"', "x/y", "text/plain; charset=utf-16"]
)
def test_odd_content_types_are_no_fault(client: Client, content_type: str) -> None:
    answer = client.post("Binary", PNG, content_type=content_type)
    assert answer.status in (201, 400, 415, 422)
    if answer.status == 201:
        assert client.get(f"Binary/{answer.id}", accept="*/*").body == PNG


def test_a_binary_without_content_is_empty(client: Client) -> None:
    client.stored({"resourceType": "Binary", "id": "b", "contentType": "text/plain"})
    answer = client.get("Binary/b", accept="*/*")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.s3
def test_large_content_lies_in_a_real_s3_store(
    empty_database: str, tmp_path: Path, connect: Connect
) -> None:
    with s3.running(tmp_path) as server:
        client = connect(Store(Database(empty_database), in_s3(server), BASE))
        client.put("Binary/b", LARGE, content_type="image/png")
        assert client.get("Binary/b").body == LARGE
        assert rows_with_more_than(client, 70_000) == 0


def in_s3(server: s3.S3Server) -> Blobs:
    return s3_blobs(
        server.endpoint,
        "binaries",
        access_key=server.access_key,
        secret_key=server.secret_key,
        secure=False,
    )
