"""The keys that sign tokens and encrypt what is kept secret, in files of mode 0600 in one folder.

RS256 for tokens (OpenID Connect Core, section 3.1.3.7 asks for it), AES-256-GCM for secrets at rest.
The newest signing key signs; older ones verify for as long as their file is there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

ALGORITHM = "RS256"
_NONCE = 12


class BadToken(Exception):
    """Not a token of ours: malformed, of another key, or changed."""


@dataclass(frozen=True, slots=True)
class Keys:
    signing: RSAKey
    verifying: KeySet
    secret: bytes
    """256 bits, for encryption at rest."""

    def sign(self, claims: Mapping[str, Any], kind: str = "JWT") -> str:
        """Return the signed token; kind is its header's typ."""
        header = {"alg": ALGORITHM, "typ": kind, "kid": self.signing.kid}
        return jwt.encode(header, dict(claims), self.signing, algorithms=[ALGORITHM])

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that we signed; BadToken otherwise. Says nothing of its time."""
        try:
            return dict(jwt.decode(token, self.verifying, algorithms=[ALGORITHM]).claims)
        except (JoseError, ValueError) as error:
            raise BadToken("it was not signed by this server.") from error

    def jwks(self) -> dict[str, Any]:
        """Return the public keys, RFC 7517."""
        return dict(self.verifying.as_dict(private=False))

    def encrypt(self, plain: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.secret).encrypt(nonce, plain, None)

    def decrypt(self, sealed: bytes) -> bytes:
        return AESGCM(self.secret).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)


def load(folder: Path) -> Keys:
    """Read the folder's keys; make them when it has none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _signing_files(folder):
        rotate(folder)
    secret = folder / "secret.key"
    if not secret.exists():
        _write(secret, secrets.token_bytes(32))
    listed: Sequence[RSAKey] = [_key(file) for file in _signing_files(folder)]
    return Keys(listed[-1], KeySet([*listed]), secret.read_bytes())


def rotate(folder: Path) -> None:
    """Make a new signing key, which signs from the next start on; the others go on verifying."""
    key = RSAKey.generate_key(2048, auto_kid=False)
    _write(folder / _next(folder, "signing", "pem"), key.as_pem(private=True))


def content_keys(folder: Path) -> list[bytes]:
    """Return the keys of what people hand over, the newest first; make one when there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not list(folder.glob("content-*.key")):
        rotate_content(folder)
    return [file.read_bytes() for file in sorted(folder.glob("content-*.key"), reverse=True)]


def rotate_content(folder: Path) -> None:
    """Make a new key, which encrypts from the next start on; the others go on decrypting."""
    _write(folder / _next(folder, "content", "key"), secrets.token_bytes(32))


def _next(folder: Path, name: str, suffix: str) -> str:
    numbers = (int(file.stem.split("-")[1]) for file in folder.glob(f"{name}-*.{suffix}"))
    return f"{name}-{1 + max(numbers, default=0):04d}.{suffix}"


def _signing_files(folder: Path) -> list[Path]:
    """Return the files from the oldest key to the newest."""
    return sorted(folder.glob("signing-*.pem"))


def _key(file: Path) -> RSAKey:
    key = RSAKey.import_key(file.read_bytes(), {"use": "sig", "alg": ALGORITHM})
    key.ensure_kid()  # RFC 7638, so it is the same in every process
    return key


def _write(file: Path, content: bytes) -> None:
    """Write a file that nobody else reads, whole or not at all; the first of several writers wins."""
    draft = file.with_suffix(f".{os.getpid()}.part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()
