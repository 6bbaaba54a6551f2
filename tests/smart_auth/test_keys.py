"""The keys: made once, private, and rotated without ending what was signed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from smart_auth import keys
from smart_auth.keys import BadToken


def test_old_keys_verify_after_a_rotation_and_the_new_one_signs(tmp_path: Path) -> None:
    before = keys.load(tmp_path)
    token = before.sign({"a": 1})
    keys.rotate(tmp_path)
    after = keys.load(tmp_path)
    assert after.verify(token) == {"a": 1}
    assert after.signing.kid != before.signing.kid
    assert {each["kid"] for each in after.jwks()["keys"]} == {before.signing.kid, after.signing.kid}
    assert "d" not in after.jwks()["keys"][0]
    with pytest.raises(BadToken):
        before.verify(after.sign({"a": 1}))


def test_nobody_else_reads_the_files(tmp_path: Path) -> None:
    keys.load(tmp_path / "keys")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "keys").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_what_is_encrypted_is_read_by_this_key_only(tmp_path: Path) -> None:
    one, other = keys.load(tmp_path / "one"), keys.load(tmp_path / "other")
    sealed = one.encrypt(b"secret")
    assert one.decrypt(sealed) == b"secret"
    assert b"secret" not in sealed
    with pytest.raises(InvalidTag):
        other.decrypt(sealed)
