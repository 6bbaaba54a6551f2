"""The contract of the blob store, over a folder and over a real S3 server."""

from __future__ import annotations

import hashlib
import socket
import stat
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fhir_server.errors import NotFound, Unavailable
from fhir_server.storage.blobs import Blobs, FileBlobs
from fhir_server.storage.s3 import S3Blobs, s3_blobs
from tests import s3

KINDS = ["files", pytest.param("s3", marks=pytest.mark.s3)]


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.S3Server]:
    with s3.running(tmp_path_factory.mktemp("s3")) as server:
        yield server


def connect(server: s3.S3Server, *, secret_key: str = "") -> S3Blobs:
    return s3_blobs(
        server.endpoint,
        f"blobs-{uuid.uuid4()}",
        access_key=server.access_key,
        secret_key=secret_key or server.secret_key,
        secure=False,
    )


@pytest.fixture(params=KINDS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "files":
        return FileBlobs(tmp_path / "blobs")
    return connect(request.getfixturevalue("s3_server"))


@pytest.mark.parametrize("content", [b"", b"\x00\xff\r\n", b"x" * (6 << 20)])
def test_what_was_put_is_got_under_its_hash(blobs: Blobs, content: bytes) -> None:
    name = blobs.put(content)
    assert name == "sha256-" + hashlib.sha256(content).hexdigest()
    assert blobs.get(name) == content


def test_putting_twice_gives_the_same_name(blobs: Blobs) -> None:
    assert blobs.put(b"again") == blobs.put(b"again")
    assert blobs.get(blobs.put(b"again")) == b"again"


def test_many_may_put_the_same_content_at_once(blobs: Blobs) -> None:
    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(blobs.put, [b"same"] * 16))
    assert len(names) == 1
    assert blobs.get(names.pop()) == b"same"


def test_what_is_kept_is_listed_until_it_is_removed(blobs: Blobs) -> None:
    assert list(blobs.names()) == []
    one, other = blobs.put(b"one"), blobs.put(b"other")
    assert set(blobs.names()) == {one, other}
    blobs.remove(one)
    blobs.remove(one)
    assert list(blobs.names()) == [other]
    with pytest.raises(NotFound):
        blobs.get(one)


def test_content_that_was_never_put_is_not_found(blobs: Blobs) -> None:
    absent = "sha256-" + "0" * 64
    with pytest.raises(NotFound):
        blobs.get(absent)
    blobs.put(b"something else")
    with pytest.raises(NotFound):
        blobs.get(absent)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "sha256-", "sha256-" + "A" * 64])
def test_a_name_that_is_no_hash_is_not_found(blobs: Blobs, name: str) -> None:
    with pytest.raises(NotFound):
        blobs.get(name)


def test_a_store_that_works_passes_the_check(blobs: Blobs) -> None:
    blobs.check()
    blobs.check()


def test_files_are_private_and_no_partial_file_stays(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "blobs")
    name = blobs.put(b"secret")
    blobs.check()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [name]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_a_damaged_file_is_not_given_out(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    name = blobs.put(b"whole")
    next(path for path in tmp_path.rglob(name)).write_bytes(b"half")
    with pytest.raises(Unavailable, match="damaged"):
        blobs.get(name)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    blobs = FileBlobs(tmp_path / "file" / "blobs")
    with pytest.raises(Unavailable):
        blobs.put(b"x")
    with pytest.raises(Unavailable):
        blobs.check()


def test_a_store_that_does_not_answer_is_unavailable() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        endpoint = f"127.0.0.1:{unheard.getsockname()[1]}"
        blobs = s3_blobs(endpoint, "blobs", access_key="a", secret_key="b", secure=False)
        with pytest.raises(Unavailable):
            blobs.put(b"x")
        with pytest.raises(Unavailable):
            blobs.get("sha256-" + "0" * 64)
        with pytest.raises(Unavailable):
            blobs.check()


@pytest.mark.s3
def test_wrong_credentials_are_refused_as_unavailable(s3_server: s3.S3Server) -> None:
    blobs = connect(s3_server, secret_key="wrong-secret")
    with pytest.raises(Unavailable):
        blobs.check()
    with pytest.raises(Unavailable):
        blobs.put(b"x")


def test_a_missing_server_fails_only_where_all_parts_are_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MEDCONSULT_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception):
        s3.require(None, "a part")
    monkeypatch.setenv("MEDCONSULT_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception):
        s3.require(None, "a part")
