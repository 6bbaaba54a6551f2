"""Keys by their address: fetched from a real web server, kept as its Cache-Control says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from smart_auth import jwks_cache
from smart_auth.jwks import BadKeys
from smart_auth.jwks_cache import JwksCache
from tests.smart_auth.tokens.key_server import KeyServer, key_server
from tests.smart_auth.tokens.server import Server, claims, ec, public, rsa, sign

OLD, NEW = rsa("old"), rsa("new")


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    with key_server() as running:
        running.give(public(OLD))
        yield running


class Clock:
    """time.monotonic, which a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(jwks_cache.time, "monotonic", lambda: self.now)


def names(cache: JwksCache, url: str, kid: str = "old") -> list[str | None]:
    return [key.kid for key in cache.keys(url, kid)]


def token(server: Server, client_id: str, key: Any) -> Any:
    return server.backend_token(sign(key, claims(server.auth, client_id)))


def test_an_app_signs_with_a_key_of_its_address_and_changes_it(
    server: Server, keys: KeyServer
) -> None:
    app = server.backend(jwks_uri=keys.url)
    assert token(server, app.id, OLD).status_code == 200
    assert token(server, app.id, OLD).status_code == 200
    assert keys.asked == 1
    keys.give(public(NEW))
    assert token(server, app.id, NEW).status_code == 200
    assert keys.asked == 2
    refused = token(server, app.id, OLD)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert keys.asked == 2, "unknown names do not make us ask all the time"


def test_an_unknown_name_is_looked_for_again_after_ten_seconds(
    keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.give(public(OLD), Cache_Control="max-age=3600")
    clock, cache = Clock(monkeypatch), JwksCache()
    assert names(cache, keys.url) == ["old"]
    assert names(cache, keys.url, "new") == ["old"]
    keys.give(public(NEW))
    clock.now += 9
    assert names(cache, keys.url, "new") == ["old"]
    clock.now += 1
    assert names(cache, keys.url, "new") == ["new"]
    assert keys.asked == 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=60", 60),
        ("public, max-age=60, immutable", 60),
        ("max-age=999999", 3600),
        ("no-store", 0),
        ("no-cache, max-age=60", 0),
        ("max-age=0", 0),
        ('max-age="60"', 60),
        ("max-age=soon", 0),
        ("", 300),
    ],
)
def test_keys_are_kept_as_long_as_cache_control_says(
    keys: KeyServer, monkeypatch: pytest.MonkeyPatch, header: str, seconds: int
) -> None:
    keys.give(public(OLD), **({"Cache_Control": header} if header else {}))
    clock, cache = Clock(monkeypatch), JwksCache()
    names(cache, keys.url)
    clock.now += seconds - 1 if seconds else 0
    names(cache, keys.url)
    assert keys.asked == (1 if seconds else 2)
    clock.now += 1
    names(cache, keys.url)
    assert keys.asked == (2 if seconds else 3)


def test_the_age_of_an_answer_counts() -> None:
    assert jwks_cache.lifetime(httpx.Headers({"Cache-Control": "max-age=60", "Age": "50"})) == 10


def broken(keys: KeyServer, kind: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "redirect": {"status": 302, "headers": {"Location": keys.url}},
        "missing": {"status": 404},
        "failing": {"status": 500},
        "no json": {"body": b"<html>"},
        "deep json": {"body": b"[" * 60000},
        "no keys": {"body": b"{}"},
        "empty": {"body": b'{"keys": []}'},
        "odd": {"body": b'{"keys": [1]}'},
        "too large": {"body": b'{"keys": []}' + b" " * 70000},
    }
    for name, value in changes[kind].items():
        setattr(keys, name, value)


@pytest.mark.parametrize(
    "kind",
    [
        *("redirect", "missing", "failing", "no json", "deep json", "no keys", "empty", "odd"),
        "too large",
    ],
)
def test_an_address_without_a_key_set_is_refused_in_words(
    server: Server, keys: KeyServer, kind: str
) -> None:
    app = server.backend(jwks_uri=keys.url)
    broken(keys, kind)
    answer = token(server, app.id, OLD)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "jwks_uri" in answer.json()["error_description"]


def test_an_address_that_does_not_answer_in_time_is_given_up(
    keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks_cache, "TIMEOUT", 0.2)
    keys.delay = 1.0
    with pytest.raises(BadKeys, match="ReadTimeout"):
        JwksCache().keys(keys.url, "old")


def test_nobody_there_is_refused_and_not_asked_again_at_once(
    keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, cache = Clock(monkeypatch), JwksCache()
    keys.status = 503
    for _ in range(3):
        with pytest.raises(BadKeys):
            names(cache, keys.url)
    assert keys.asked == 1
    keys.status = 200
    clock.now += 2
    assert names(cache, keys.url) == ["old"]


def test_a_private_key_at_the_address_is_refused(server: Server, keys: KeyServer) -> None:
    app = server.backend(jwks_uri=keys.url)
    keys.give({"keys": [OLD.as_dict(private=True)]})
    assert "private" in token(server, app.id, OLD).json()["error_description"]


def test_a_server_for_others_asks_no_plain_http_address(server: Server, keys: KeyServer) -> None:
    app = server.backend(jwks_uri=keys.url)
    outside = replace(server.auth, issuer="https://ehr.example")
    from tests.smart_auth.tokens.server import web_of

    there = replace(server, auth=outside, web=web_of(outside))
    answer = token(there, app.id, OLD)
    assert answer.status_code == 401
    assert "https" in answer.json()["error_description"]
    assert keys.asked == 0
    assert token(server, app.id, OLD).status_code == 200


def test_both_kinds_of_key_may_be_at_one_address(server: Server, keys: KeyServer) -> None:
    key = ec("curve")
    keys.give(public(OLD, key))
    app = server.backend(jwks_uri=keys.url)
    assert token(server, app.id, key).status_code == 200
    assert token(server, app.id, OLD).status_code == 200


def test_the_cache_does_not_grow_without_end(
    keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks_cache, "_MOST", 2)
    cache = JwksCache()
    for number in range(4):
        names(cache, f"{keys.url}?{number}")
    names(cache, f"{keys.url}?3")
    assert keys.asked == 4
    names(cache, f"{keys.url}?0")
    assert keys.asked == 5
