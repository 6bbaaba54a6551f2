"""Secrets that somebody else holds: made at random, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets


def fresh() -> str:
    """Return 256 random bits, safe in URLs."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what is stored of it; a fast hash will do for a secret that nobody can guess."""
    return hashlib.sha256(secret.encode()).digest()
