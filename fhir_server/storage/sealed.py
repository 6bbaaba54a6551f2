"""A store of bytes that encrypts what another one keeps: AES-256-GCM, NIST SP 800-38D.

The nonce is a keyed hash of the content, so the same content is sealed to the same bytes and writing
it twice does no harm. What was kept before there was a key is read as it is. Each sealed content
begins with the fingerprint of its key: older keys go on opening what they sealed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fhir_server.errors import Unavailable
from fhir_server.storage.blobs import Blobs

MAGIC = b"\x89sealed1"
_FINGERPRINT, _NONCE = 8, 12


@dataclass(frozen=True, slots=True)
class SealedBlobs:
    inner: Blobs
    keys: Sequence[bytes]
    """256 bits each; the first one seals, all of them open."""

    def put(self, content: bytes) -> str:
        key = self.keys[0]
        nonce = hmac.digest(key, b"nonce" + content, hashlib.sha256)[:_NONCE]
        sealed = AESGCM(key).encrypt(nonce, content, MAGIC)
        return self.inner.put(MAGIC + fingerprint(key) + nonce + sealed)

    def get(self, name: str) -> bytes:
        return self._open(self.inner.get(name), name)

    def _open(self, kept: bytes, name: str) -> bytes:
        if not kept.startswith(MAGIC):
            return kept
        key = self._key_of(kept)
        if key is None:
            raise Unavailable(f"The key that sealed the content {name} is not in the keys folder.")
        rest = kept[len(MAGIC) + _FINGERPRINT :]
        return _opened(key, rest[:_NONCE], rest[_NONCE:], name)

    def _key_of(self, kept: bytes) -> bytes | None:
        """Return the key that sealed it; None when it is none of these."""
        return next((key for key in self.keys if kept.startswith(MAGIC + fingerprint(key))), None)

    def resealed(self, name: str) -> str:
        """Return the name of the content under the newest key, which seals it if an older one did."""
        kept = self.inner.get(name)
        newest = self._key_of(kept) == self.keys[0]
        return name if newest else self.put(self._open(kept, name))

    def is_ours(self, name: str) -> bool:
        """Tell whether one of the keys sealed it."""
        return self._key_of(self.inner.get(name)) is not None

    def check(self) -> None:
        self.inner.check()

    def names(self) -> Iterator[str]:
        return self.inner.names()

    def remove(self, name: str) -> None:
        self.inner.remove(name)


def fingerprint(key: bytes) -> bytes:
    return hashlib.sha256(b"blobs" + key).digest()[:_FINGERPRINT]


def _opened(key: bytes, nonce: bytes, sealed: bytes, name: str) -> bytes:
    try:
        return AESGCM(key).decrypt(nonce, sealed, MAGIC)
    except InvalidTag as error:
        raise Unavailable(
            f"The stored content {name} is damaged; restore it from a backup."
        ) from error
