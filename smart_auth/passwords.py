"""Passwords: argon2id (RFC 9106), and whether one can be guessed."""

from __future__ import annotations

import functools
import threading
import unicodedata
from collections.abc import Sequence
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from smart_auth.wording import later, say

SHORTEST = 8
LONGEST = 256
GOOD = 3
"""Of zxcvbn's scores 0 to 4: safe when the hashes are not stolen, and dear to guess when they are."""
LOOKED_AT = 72
AT_MOST = later("Use at most %(most)s characters.")
OF_THEM = later("It is mostly your name or address. Use words that have nothing to do with you.")
# A hash takes 46 MiB: not too many at a time.
_hasher = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)
_turns = threading.BoundedSemaphore(4)


def hashed(password: str) -> str:
    with _turns:
        return _hasher.hash(_normal(password))


def verify(stored: str | None, password: str) -> bool:
    """Tell whether it is the password; takes as long when there is none to compare with."""
    with _turns:
        try:
            _hasher.verify(stored or _dummy(), _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Tell whether it was hashed with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def weakness(password: str, known: Sequence[str] = ()) -> str:
    """Return a sentence that says what to mend, "" for a good password.

    Known is what others know of the person: name, e-mail address.
    """
    if len(password) < SHORTEST:
        return say(
            "Use at least %(least)s characters; a few unrelated words are easy to remember.",
            least=SHORTEST,
        )
    if len(password) > LONGEST:
        return say(AT_MOST, most=LONGEST)
    found = _judged(password[:LOOKED_AT], [*_parts(known), "medconsult"])
    if found["score"] >= GOOD:
        return OF_THEM if _made_of(password[:LOOKED_AT].lower(), known) else ""
    feedback = found["feedback"]
    reason = feedback["warning"] or say("This password is easy to guess.")
    advice = feedback["suggestions"] or [say("Add another word or two. Uncommon words are better.")]
    return " ".join([f"{reason.rstrip('.')}.", advice[-1]])


def _parts(known: Sequence[str]) -> list[str]:
    """Return the texts and what they are made of: an address's name and domain, a name's words."""
    split = [part for text in known for part in text.replace("@", " ").replace(".", " ").split()]
    return [part for part in (*known, *split) if part]


def _made_of(password: str, known: Sequence[str]) -> bool:
    """Tell whether little is left of it without what others know of the person."""
    left = password
    for part in sorted(_parts(known), key=len, reverse=True):
        left = left.replace(part.lower(), "") if len(part) > 2 else left
    if left == password:
        return False
    return len(left) < 4 or _judged(left)["score"] < GOOD - 1


def _judged(password: str, known: Sequence[str] = ()) -> dict[str, Any]:
    from zxcvbn import zxcvbn  # noqa: PLC0415 - 13 MB of words, for when somebody chooses one

    judged: dict[str, Any] = zxcvbn(password, user_inputs=list(known))
    return judged


def _normal(password: str) -> str:
    """Return one way of writing it: keyboards differ in how they make an accented letter."""
    return unicodedata.normalize("NFKC", password)


@functools.cache
def _dummy() -> str:
    return _hasher.hash("nobody's")
