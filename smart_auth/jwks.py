"""Keys of apps: RFC 7517 key sets that assertions may be verified by.

https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html: RS384 or ES384.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = {"RS384": "RSA", "ES384": "EC"}
_SMALLEST_RSA = 2048
_MOST = 50

Key = RSAKey | ECKey


class BadKeys(Exception):
    """It is no key set, or none that can be used; the message is a sentence."""


def usable(jwks: Any) -> list[Key]:
    """Return the keys that may verify: public, with a kid, RSA of 2048 bits or more, or EC P-384.

    Others are passed over, since a client may have keys for other purposes; a secret key is refused.
    """
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST:
        raise BadKeys(f'it has to be {{"keys": [...]}} with 1 to {_MOST} keys.')
    keys = [key for each in listed if (key := _key(each))]
    if not keys:
        raise BadKeys("none of its keys has a kid and is RSA (2048 bits or more) or EC P-384.")
    return keys


def of_kid(keys: Sequence[Key], kid: str, algorithm: str) -> list[Key]:
    """Return the keys of that name that fit the algorithm."""
    kind = ALGORITHMS[algorithm]
    return [
        key
        for key in keys
        if key.kid == kid and key.key_type == kind and key.get("alg") in (None, algorithm)
    ]


def _key(jwk: Any) -> Key | None:
    if not isinstance(jwk, dict):
        raise BadKeys("each key has to be a JSON object.")
    if "d" in jwk or jwk.get("kty") == "oct":
        raise BadKeys(
            "it holds a private key. Make a new pair, and give only the public half of it."
        )
    if not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig":
        return None
    try:
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-384":
            return ECKey.import_key(jwk)
        if jwk.get("kty") == "RSA" and _bits(jwk.get("n")) >= _SMALLEST_RSA:
            return RSAKey.import_key(jwk)
    except (JoseError, ValueError, TypeError) as error:
        raise BadKeys(f"the key {jwk['kid']} cannot be read: {error}") from error
    return None


def _bits(modulus: Any) -> int:
    """Return about how many bits a number in base64url has: six a character."""
    return len(modulus.rstrip("=")) * 6 if isinstance(modulus, str) else 0
