"""Key sets that apps keep at an address of theirs (jwks_uri): fetched with care, kept for a while.

Kept as long as the answer's Cache-Control says, an hour at most, five minutes when it says nothing. An
unknown kid is a reason to look again before that, since the app may have changed its keys, but not
more often than every ten seconds: anybody can write down an unknown kid.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from smart_auth.jwks import BadKeys, Key, usable
from smart_auth.metadata import is_loopback

TIMEOUT = 5.0
LARGEST = 64 * 1024
LONGEST = 3600.0
UNSAID = 300.0
BETWEEN = 10.0
"""Seconds between two looks for an unknown kid."""
_AFTER_FAILURE = 2.0
_MOST = 1000


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: Sequence[Key] = ()
    until: float = 0.0
    looked: float = float("-inf")
    """When it was last fetched for an unknown kid."""
    failed: float = float("-inf")
    why: str = ""


@dataclass(slots=True)
class JwksCache:
    """Of one process; times are those of time.monotonic."""

    _entries: OrderedDict[str, _Entry] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keys(self, url: str, kid: str) -> Sequence[Key]:
        """Return the keys of the address; BadKeys when they cannot be had."""
        entry = self._entry(url)
        # One fetches, the others wait for what it gets; no longer than that may take.
        if not entry.lock.acquire(timeout=TIMEOUT):
            raise BadKeys("The address in jwks_uri does not answer in time.")
        try:
            now = time.monotonic()
            if now >= entry.until:
                _fetch(entry, url, now)
            elif not any(key.kid == kid for key in entry.keys) and now - entry.looked >= BETWEEN:
                entry.looked = now
                _fetch(entry, url, now)
            return entry.keys
        finally:
            entry.lock.release()

    def _entry(self, url: str) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(url, _Entry())
            self._entries.move_to_end(url)
            while len(self._entries) > _MOST:
                self._entries.popitem(last=False)
            return entry


def _fetch(entry: _Entry, url: str, now: float) -> None:
    if now - entry.failed < _AFTER_FAILURE:
        raise BadKeys(entry.why)
    try:
        answer = _get(url, now + TIMEOUT)
        entry.keys = usable(json.loads(answer.content))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError, BadKeys) as error:
        # The client's developer is told what kind of error it was, nobody what the address answers.
        why = str(error) if isinstance(error, BadKeys) else type(error).__name__
        entry.failed, entry.why = time.monotonic(), f"The key set at jwks_uri cannot be used: {why}"
        raise BadKeys(entry.why) from error
    entry.until = now + lifetime(answer.headers)


def _get(url: str, deadline: float) -> httpx.Response:
    """Return the answer with its body; no redirects, no more than the limits of time and size."""
    trust = not is_loopback(urlsplit(url).hostname)  # no proxy stands between us and ourselves
    # Not compressed, so that what is read is no larger than what was sent.
    accept = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
    with (
        httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=trust) as web,
        web.stream("GET", url, headers=accept) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise BadKeys(f"the address answers {answer.status_code}, not 200.")
        body = b""
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) > LARGEST or time.monotonic() > deadline:
                raise BadKeys(f"it is larger than {LARGEST} bytes or takes more than {TIMEOUT} s.")
        return httpx.Response(answer.status_code, headers=_cache_headers(answer), content=body)


def _cache_headers(answer: httpx.Response) -> dict[str, str]:
    kept = ("cache-control", "age")
    return {name: answer.headers[name] for name in kept if name in answer.headers}


def lifetime(headers: httpx.Headers) -> float:
    """Return how many seconds an answer may be kept, RFC 9111 for what counts here."""
    said = [each.strip().lower() for each in headers.get("cache-control", "").split(",")]
    if "no-store" in said or "no-cache" in said:
        return 0.0
    for each in said:
        name, _, value = each.partition("=")
        if name == "max-age":
            return min(
                max(_seconds(value.strip('"')) - _seconds(headers.get("age", "0")), 0.0), LONGEST
            )
    return UNSAID


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() and len(text) < 12 else 0.0
