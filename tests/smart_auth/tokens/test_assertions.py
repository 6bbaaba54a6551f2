"""private_key_jwt: RS384 and ES384 by a registered key, once, for this server, for five minutes."""

from __future__ import annotations

import base64
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import ECKey

from smart_auth import access_tokens, assertions, revocations
from smart_auth.tables import assertion as used
from tests.smart_auth.tokens.server import App, Server, b64, claims, ec, encoded, public, rsa, sign

RSA, EC = rsa(), ec()


@pytest.fixture
def app(server: Server) -> App:
    return server.backend(jwks=public(RSA, EC))


def refused(answer: Any) -> str:
    body = answer.json()
    assert (answer.status_code, body["error"]) == (401, "invalid_client")
    return str(body["error_description"])


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
def test_a_backend_gets_a_token_by_its_signature(server: Server, app: App, key: Any) -> None:
    answer = server.backend_token(sign(key, claims(server.auth, app.id)), "system/*.rs")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert said["token_type"] == "Bearer"
    assert said["scope"] == "system/*.rs"
    assert said["expires_in"] <= 300
    assert "refresh_token" not in said
    principal = access_tokens.principal_of(access_tokens.read(server.auth, said["access_token"]))
    assert (principal.role, principal.client, principal.user) == ("system", app.id, "")


def test_the_issuer_is_an_audience_as_well(server: Server, app: App) -> None:
    for audience in (server.auth.issuer, [server.auth.token_url]):
        said = claims(server.auth, app.id, aud=audience)
        assert server.backend_token(sign(RSA, said)).status_code == 200


NOW = int(time.time())


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another"},
        {"sub": "another"},
        {"iss": None},
        {"sub": ["a"]},
        {"sub": "a\0b", "iss": "a\0b"},
        {"aud": "https://elsewhere.example/token"},
        {"aud": None},
        {"aud": ["https://elsewhere.example/token", "http://127.0.0.1:8000/auth/token"]},
        {"aud": {}},
        {"exp": NOW - 60},
        {"exp": None},
        {"exp": NOW + 100_000},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 10**400},
        {"exp": -(10**15)},
        {"nbf": NOW + 10_000},
        {"iat": NOW + 10_000},
        {"iat": "now"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "a\0"},
        {"jti": "\ud800"},
        {"jti": "x" * 300},
    ],
    # Not their repr: some hold the time, and each test process has to name them the same.
    ids="-".join,
)
def test_a_claim_that_is_not_right_is_refused(
    server: Server, app: App, changed: dict[str, Any]
) -> None:
    assert refused(server.backend_token(sign(RSA, claims(server.auth, app.id, **changed))))
    assert server.count(used) == 0


def test_exp_may_be_five_minutes_ahead_and_not_six(server: Server, app: App) -> None:
    soon, late = time.time() + 300, time.time() + 360
    good = sign(RSA, claims(server.auth, app.id, exp=soon))
    assert server.backend_token(good).status_code == 200
    bad = sign(RSA, claims(server.auth, app.id, exp=late))
    assert "five minutes" in refused(server.backend_token(bad))


def test_an_assertion_is_good_once(server: Server, app: App) -> None:
    assertion = sign(RSA, claims(server.auth, app.id))
    assert server.backend_token(assertion).status_code == 200
    assert "used before" in refused(server.backend_token(assertion))


def test_an_assertion_stays_used_though_the_request_was_refused(server: Server, app: App) -> None:
    assertion = sign(RSA, claims(server.auth, app.id))
    assert server.backend_token(assertion, "patient/*.rs").status_code == 400
    assert refused(server.backend_token(assertion))


def test_of_many_uses_at_once_one_succeeds(server: Server, app: App) -> None:
    assertion = sign(EC, claims(server.auth, app.id))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.backend_token(assertion), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


def test_the_same_jti_of_two_apps_is_no_replay(server: Server, app: App) -> None:
    other = server.backend(jwks=public(RSA))
    for each in (app, other):
        said = claims(server.auth, each.id, jti="same")
        assert server.backend_token(sign(RSA, said)).status_code == 200


def unsigned(said: dict[str, Any]) -> str:
    return f"{b64({'alg': 'none', 'typ': 'JWT', 'kid': 'r1'})}.{b64(said)}."


def confused(said: dict[str, Any], algorithm: str) -> str:
    """Sign with the public key as if it were a shared secret."""
    signed = f"{b64({'alg': algorithm, 'typ': 'JWT', 'kid': 'r1'})}.{b64(said)}"
    hashed = {"HS256": "sha256", "HS384": "sha384"}[algorithm]
    signature = hmac.digest(RSA.as_pem(private=False), signed.encode(), hashed)
    return f"{signed}.{encoded(signature)}"


def test_algorithms_that_prove_nothing_are_refused(server: Server, app: App) -> None:
    said = claims(server.auth, app.id)
    forged = unsigned(said), confused(said, "HS256"), confused(said, "HS384")
    for assertion in (*forged, sign(RSA, said, "RS256")):
        assert "RS384 or ES384" in refused(server.backend_token(assertion))
    assert server.backend_token(sign(RSA, said)).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        {"kid": None},
        {"kid": 7},
        {"kid": "unknown"},
        {"kid": "e1"},
        {"typ": None},
        {"typ": "at+jwt"},
        {"jku": "https://evil.example/jwks"},
        {"crit": ["exp"]},
        {"crit": ["new"], "new": True},
    ],
    ids=repr,
)
def test_a_header_that_is_not_right_is_refused(
    server: Server, app: App, header: dict[str, Any]
) -> None:
    assert refused(server.backend_token(sign(RSA, claims(server.auth, app.id), **header)))


def test_a_key_in_the_header_is_not_believed(server: Server, app: App) -> None:
    thief = rsa("r1")
    said = claims(server.auth, app.id)
    forged = sign(thief, said, jwk=public(thief)["keys"][0])
    assert "signature" in refused(server.backend_token(forged))


def test_header_parameters_that_nobody_knows_are_ignored(server: Server, app: App) -> None:
    said = claims(server.auth, app.id)
    assert server.backend_token(sign(RSA, said, x5c=["A" * 4000], own=1)).status_code == 200


def test_another_signature_under_a_known_name_is_refused(server: Server, app: App) -> None:
    said = claims(server.auth, app.id)
    assert refused(server.backend_token(sign(ec("e1"), said)))
    good = sign(EC, said)
    assert refused(server.backend_token(good[:-6] + "AAAAAA"))
    head, _, signature = good.split(".")
    other = base64.urlsafe_b64encode(json.dumps({**said, "jti": "z"}).encode()).decode()
    assert refused(server.backend_token(f"{head}.{other.rstrip('=')}.{signature}"))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "e30.e30.", "W10.W10.x", "." * 9])
def test_what_is_no_jwt_is_refused(server: Server, app: App, text: str) -> None:
    assert refused(server.backend_token(text))


def test_the_type_of_assertion_has_to_be_named(server: Server, app: App) -> None:
    assertion = sign(RSA, claims(server.auth, app.id))
    assert refused(server.backend_token(assertion, client_assertion_type="urn:other"))
    assert server.backend_token(assertion).status_code == 200


def test_the_client_id_beside_an_assertion_has_to_be_its_own(server: Server, app: App) -> None:
    said = sign(RSA, claims(server.auth, app.id))
    assert refused(server.backend_token(said, client_id="another"))
    assert server.backend_token(said, client_id=app.id).status_code == 200


def test_a_curve_that_smart_does_not_name_is_refused(server: Server, app: App) -> None:
    small = ECKey.generate_key("P-256", {"kid": "e1"}, auto_kid=False)
    assert refused(server.backend_token(sign(small, claims(server.auth, app.id), "ES256")))


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("system/*.rs", "system/Patient.rs system/Observation.r"),
        ("system/*.read", "system/Patient.rs system/Observation.r"),
        ("system/Patient.r", "system/Patient.r"),
        ("system/Patient.cruds", "system/Patient.rs"),
        ("system/Patient.rs system/Condition.rs", "system/Patient.rs"),
        (
            "system/Patient.rs?_id=1",
            "system/Patient.rs?_id=1",
        ),
    ],
)
def test_a_backend_gets_what_it_asks_for_and_is_registered_for(
    server: Server, asked: str, given: str
) -> None:
    app = server.backend(jwks=public(RSA), scope="system/Patient.rs system/Observation.r")
    answer = server.backend_token(sign(RSA, claims(server.auth, app.id)), asked)
    assert answer.json()["scope"] == given


@pytest.mark.parametrize(
    "asked", ["system/Condition.rs", "system/Patient.c", "patient/*.rs", "openid", "system/Foo.rs"]
)
def test_a_backend_gets_nothing_beyond(server: Server, asked: str) -> None:
    app = server.backend(jwks=public(RSA), scope="system/Patient.rs")
    answer = server.backend_token(sign(RSA, claims(server.auth, app.id)), asked)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_an_app_for_people_is_no_backend_and_a_backend_has_no_code(
    server: Server, app: App
) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    answer = server.post("/auth/token", form, **server.app().basic)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assertion = sign(RSA, claims(server.auth, app.id))
    other = server.backend_token(assertion, grant_type="authorization_code", code="x")
    assert other.json()["error"] == "unauthorized_client"


def test_an_app_for_people_uses_its_keys_for_code_and_refresh(server: Server) -> None:
    app = server.app(token_endpoint_auth_method="private_key_jwt", jwks=public(EC))

    def proof() -> dict[str, str]:
        assertion = sign(EC, claims(server.auth, app.id))
        return {"client_assertion_type": assertions.TYPE, "client_assertion": assertion}

    bare = server.exchange(app, server.code(app))
    assert (bare.status_code, bare.json()["error"]) == (401, "invalid_client")
    tokens = server.exchange(app, server.code(app), **proof()).json()
    assert tokens["id_token"]
    assert server.refresh(app, tokens["refresh_token"], **proof()).status_code == 200
    bad = server.refresh(app, "random", **proof())
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_grant")


def test_a_backend_gives_back_its_token(server: Server, app: App) -> None:
    token = server.backend_token(sign(RSA, claims(server.auth, app.id))).json()["access_token"]
    form = {
        "token": token,
        "client_assertion_type": assertions.TYPE,
        "client_assertion": sign(RSA, claims(server.auth, app.id)),
    }
    said = access_tokens.read(server.auth, token)
    with server.auth.engine.connect() as connection:
        assert not revocations.ended(connection, said)
    assert server.post("/auth/revoke", form).status_code == 200
    with server.auth.engine.connect() as connection:
        assert revocations.ended(connection, said)
