"""An authenticator in software: what a phone does when it makes a passkey and signs with it (WebAuthn, level 2)."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass(slots=True)
class Authenticator:
    origin: str
    flags: int = PRESENT | VERIFIED
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    user: str = ""

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer navigator.credentials.create, with attestation "none"."""
        self.user = options["user"]["id"]
        self.count += 1
        key = cbor2.dumps(self._cose())
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + key
        made = self._data(options["rp"]["id"], ATTESTED) + attested
        statement = {"fmt": "none", "attStmt": {}, "authData": made}
        return self._credential(
            clientDataJSON=self._client("webauthn.create", options["challenge"]),
            attestationObject=cbor2.dumps(statement),
        )

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer navigator.credentials.get."""
        self.count += 1
        client = self._client("webauthn.get", options["challenge"])
        made = self._data(options["rpId"])
        signed = made + hashlib.sha256(client).digest()
        return self._credential(
            clientDataJSON=client,
            authenticatorData=made,
            signature=self.key.sign(signed, ec.ECDSA(hashes.SHA256())),
            userHandle=urlsafe_b64decode(self.user + "=="),
        )

    def _data(self, host: str, more: int = 0) -> bytes:
        flags = bytes([self.flags | more])
        return hashlib.sha256(host.encode()).digest() + flags + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        content = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps({**content, "crossOrigin": False}).encode()

    def _cose(self) -> dict[int, Any]:
        numbers = self.key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return {1: 2, 3: -7, -1: 1, **point}

    def _credential(self, **response: bytes) -> dict[str, Any]:
        written = {name: _text(value) for name, value in response.items()}
        named = {"id": _text(self.id), "rawId": _text(self.id), "type": "public-key"}
        return {**named, "response": written}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
