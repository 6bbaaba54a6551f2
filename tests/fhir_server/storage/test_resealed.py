"""After the keys changed, all that is kept is sealed by the newest one, and older ones open nothing that is left."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from fhir_server import codec
from fhir_server.context import Store
from fhir_server.errors import Unavailable
from fhir_server.scheduling import records
from fhir_server.storage import resealed
from fhir_server.storage.blobs import FileBlobs
from fhir_server.storage.sealed import SealedBlobs, fingerprint

OLD, NEW = b"o" * 32, b"n" * 32
LETTERS = (b"a letter about Ada", b"another letter", b"a third one")


def keeping(store: Store, folder: Path, *keys: bytes) -> Store:
    return replace(store, blobs=SealedBlobs(FileBlobs(folder), keys))


def put(store: Store, content: bytes) -> None:
    binary = {
        "resourceType": "Binary",
        "id": "letter",
        "contentType": "application/pdf",
        "securityContext": {"reference": "Patient/ada"},
        "data": base64.b64encode(content).decode(),
    }
    store.writing(lambda repository: records.save(repository, binary))


def content(store: Store, version: int) -> bytes:
    found = store.reading(lambda r: r.vread("Binary", "letter", str(version)))
    return base64.b64decode(codec.decode((found.content or "").encode())["data"])


def test_every_version_is_sealed_anew_and_older_keys_are_needed_no_more(
    store: Store, tmp_path: Path
) -> None:
    store.writing(lambda r: records.save(r, {"resourceType": "Patient", "id": "ada"}))
    put(keeping(store, tmp_path, OLD), LETTERS[0])
    put(keeping(store, tmp_path, OLD), LETTERS[1])
    both = keeping(store, tmp_path, NEW, OLD)
    put(both, LETTERS[2])
    orphan = both.blobs.put(b"of a write that was undone")
    others = [
        FileBlobs(tmp_path).put(b"of nobody we know"),
        SealedBlobs(FileBlobs(tmp_path), (b"x" * 32,)).put(b"of another database"),
    ]
    blobs = SealedBlobs(FileBlobs(tmp_path), (NEW, OLD))
    with store.database.connection() as connection:
        assert resealed.reseal(connection, blobs) == (2, 3)
        assert resealed.reseal(connection, blobs) == (0, 0), "there is nothing left to do"
    only = keeping(store, tmp_path, NEW)
    assert [content(only, version) for version in (1, 2, 3)] == list(LETTERS)
    assert orphan not in list(blobs.names())
    assert set(others) <= set(blobs.names())
    for other in others:
        blobs.remove(other)
    kept = [each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()]
    assert len(kept) == 3
    assert all(fingerprint(OLD) not in each for each in kept)


def test_without_the_key_that_sealed_it_nothing_is_changed(store: Store, tmp_path: Path) -> None:
    store.writing(lambda r: records.save(r, {"resourceType": "Patient", "id": "ada"}))
    put(keeping(store, tmp_path, OLD), LETTERS[0])
    with store.database.connection() as connection, pytest.raises(Unavailable, match="keys folder"):
        resealed.reseal(connection, SealedBlobs(FileBlobs(tmp_path), (NEW,)))
    assert content(keeping(store, tmp_path, OLD), 1) == LETTERS[0]


def test_other_sessions_are_seen(store: Store) -> None:
    with store.database.connection() as one:
        before = resealed.others(one)
        with store.database.connection():
            assert resealed.others(one) == before + 1
