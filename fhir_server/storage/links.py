"""Page links: opaque, signed, good after a restart and on every worker of one database.

https://hl7.org/fhir/R4/http.html#paging. A link holds all that the next page needs, so nothing is
stored for a search. The signing key lies in the table `secret`, made when it is first needed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Any

from fhir_server.database import Connection
from fhir_server.errors import InvalidParameter

_NAME = "page-links"
_READ = "SELECT value FROM secret WHERE name = %s"
_MAKE = "INSERT INTO secret VALUES (%s, %s) ON CONFLICT DO NOTHING"
_SIGNATURE = 12  # bytes: 96 bits are beyond guessing


def seal(connection: Connection, purpose: str, values: Any) -> str:
    """Return the token of JSON values; the purpose says what search or history it belongs to."""
    written = json.dumps(values, separators=(",", ":")).encode()
    signed = _sign(_key(connection), purpose, written) + written
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def unseal(connection: Connection, purpose: str, token: str) -> Any:
    """Return what was sealed; InvalidParameter when the token is not one of ours for the purpose."""
    try:
        signed = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (ValueError, binascii.Error):
        signed = b""
    signature, written = signed[:_SIGNATURE], signed[_SIGNATURE:]
    if not hmac.compare_digest(signature, _sign(_key(connection), purpose, written)):
        raise InvalidParameter(
            "_page is no link of this server, or of another search; start again from the first page.",
            "_page",
        )
    return json.loads(written)


def _sign(key: bytes, purpose: str, written: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + written, hashlib.sha256)[:_SIGNATURE]


def _key(connection: Connection) -> bytes:
    known: bytes | None = connection.remembered.get(_NAME)
    if known is None:
        if not connection.query(_READ, (_NAME,)):
            connection.query(_MAKE, (_NAME, secrets.token_bytes(32)))
        known = bytes(connection.query(_READ, (_NAME,))[0][0])
        if not connection.in_transaction:  # which may yet be rolled back, and the key with it
            connection.remembered[_NAME] = known
    return known
