"""What is kept of somebody is nothing to who has the disk, and all there with the keys."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from fhir_server.errors import Unavailable
from fhir_server.storage.blobs import FileBlobs
from fhir_server.storage.sealed import SealedBlobs
from smart_auth import keys

SECRET = b"A letter about Ada. " * 100


def on_disk(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


def test_what_lies_on_the_disk_tells_nothing(tmp_path: Path) -> None:
    store = SealedBlobs(FileBlobs(tmp_path), [secrets.token_bytes(32)])
    name = store.put(SECRET)
    assert store.put(SECRET) == name
    assert store.put(b"") != name
    assert all(b"Ada" not in each for each in on_disk(tmp_path))
    assert store.get(name) == SECRET


def test_older_keys_open_what_they_sealed_and_others_nothing(tmp_path: Path) -> None:
    folder, inner = tmp_path / "keys", FileBlobs(tmp_path / "blobs")
    before = SealedBlobs(inner, keys.content_keys(folder)).put(SECRET)
    keys.rotate_content(folder)
    both = SealedBlobs(inner, keys.content_keys(folder))
    assert len(both.keys) == 2
    assert both.get(before) == SECRET
    after = both.put(SECRET)
    assert after != before
    assert SealedBlobs(inner, both.keys[:1]).get(after) == SECRET
    with pytest.raises(Unavailable, match="keys folder"):
        SealedBlobs(inner, both.keys[:1]).get(before)


def test_what_was_kept_before_there_was_a_key_is_read(tmp_path: Path) -> None:
    inner = FileBlobs(tmp_path)
    name = inner.put(SECRET)
    assert SealedBlobs(inner, [secrets.token_bytes(32)]).get(name) == SECRET


def test_what_was_changed_is_not_believed(tmp_path: Path) -> None:
    inner, key = FileBlobs(tmp_path), secrets.token_bytes(32)
    name = SealedBlobs(inner, [key]).put(SECRET)
    sealed = bytearray(inner.get(name))
    sealed[-1] ^= 1
    with pytest.raises(Unavailable, match="damaged"):
        SealedBlobs(inner, [key]).get(inner.put(bytes(sealed)))
