"""Which app asks, by nothing or by a secret; introspection and revocation, which ask it too."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest

from smart_auth import client_authentication
from tests.smart_auth.tokens.server import SCOPE, App, Server, claims, public, rsa, sign


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_secret_may_come_in_the_header_or_in_the_body(server: Server, method: str) -> None:
    app = server.app(token_endpoint_auth_method=method)
    form = {"token": "x"}
    assert server.post("/auth/introspect", form, **app.basic).status_code == 200
    body = {**form, "client_id": app.id, "client_secret": app.secret or ""}
    assert server.post("/auth/introspect", body).status_code == 200


def test_only_the_right_secret_opens(server: Server) -> None:
    app, other = server.app(), server.app()
    for pair in (f"{app.id}:{other.secret}", f"{app.id}:", f"BAD_CLIENT_ID:{app.secret}"):
        answer = server.post("/auth/introspect", {"token": "x"}, **basic(pair))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic")


def test_secrets_are_compared_in_constant_time_also_for_nobody(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    real = hmac.compare_digest
    monkeypatch.setattr(client_authentication.hmac, "compare_digest", compare)
    app = server.app()
    for pair in (f"{app.id}:wrong", "nobody:wrong"):
        server.post("/auth/introspect", {"token": "x"}, **basic(pair))
    assert [len(one) == len(other) == 32 for one, other in compared] == [True, True]


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic " + "/w==", "Bearer abc", "Basic YQ==", "Basic YQA6AA=="],
)
def test_a_broken_authorization_header_is_refused(server: Server, header: str) -> None:
    answer = server.post("/auth/token", {"grant_type": "refresh_token"}, Authorization=header)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_two_ways_at_once_are_refused(server: Server) -> None:
    app = server.app()
    form = {"token": "x", "client_id": app.id, "client_secret": app.secret or ""}
    answer = server.post("/auth/introspect", form, **app.basic)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_confidential_app_cannot_pass_for_a_public_one(server: Server) -> None:
    app = server.app()
    answer = server.post("/auth/introspect", {"token": "x", "client_id": app.id})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_an_app_with_keys_cannot_use_a_secret_nor_one_with_a_secret_keys(server: Server) -> None:
    key = rsa()
    asymmetric = server.backend(jwks=public(key))
    assert asymmetric.secret is None
    refused = server.post("/auth/introspect", {"token": "x"}, **basic(f"{asymmetric.id}:"))
    assert refused.status_code == 401
    symmetric = server.app()
    assertion = sign(key, claims(server.auth, symmetric.id))
    assert server.backend_token(assertion).status_code == 401
    assert server.backend_token(sign(key, claims(server.auth, asymmetric.id))).status_code == 200


def test_a_token_is_introspected_with_its_launch_context(server: Server) -> None:
    app = server.app()
    token = server.tokens(app)["access_token"]
    said = server.introspect(app, token)
    assert said["active"] is True
    assert said["client_id"] == app.id
    assert said["scope"] == SCOPE
    assert (said["patient"], said["encounter"]) == ("1", "e1")
    assert (said["iss"], said["sub"]) == (server.auth.issuer, server.account)
    assert said["fhirUser"] == f"{server.auth.fhir}/Patient/1"
    assert isinstance(said["exp"], int)
    assert isinstance(said["iat"], int)


def test_a_refresh_token_is_introspected_until_it_is_used(server: Server) -> None:
    app = server.app()
    token = server.tokens(app)["refresh_token"]
    said = server.introspect(app, token)
    assert (said["active"], said["client_id"], said["scope"]) == (True, app.id, SCOPE)
    server.refresh(app, token)
    assert server.introspect(app, token) == {"active": False}


def changed_token(server: Server, app: App, **changed: Any) -> str:
    import time

    said = {"iss": server.auth.issuer, "aud": server.auth.fhir, "exp": time.time() + 60}
    said |= {"iat": time.time(), "jti": "j", "client_id": app.id, "sub": app.id, **changed}
    return server.auth.keys.sign(said, "at+jwt")


def test_what_is_no_good_token_is_inactive_and_nothing_else_is_said(server: Server) -> None:
    app = server.app()
    assert server.introspect(app, changed_token(server, app))["active"]
    good = changed_token(server, app)
    bad = [
        *("nonsense", "a.b.c", "é", "..", good[:-3] + "abc"),
        changed_token(server, app, exp=1),
        changed_token(server, app, aud="https://elsewhere.example"),
        changed_token(server, app, iss="https://elsewhere.example"),
        sign(rsa(), {"client_id": app.id}, "RS256"),
        server.tokens(app)["id_token"],
    ]
    assert [server.introspect(app, token) for token in bad] == [{"active": False}] * len(bad)


def test_introspection_asks_who_wants_to_know(server: Server) -> None:
    token = server.tokens(server.app())["access_token"]
    assert server.post("/auth/introspect", {"token": token}).status_code == 401
    assert server.introspect(server.app(), token)["active"]


def test_a_public_app_may_ask_about_its_own_tokens_only(server: Server) -> None:
    app, other = server.public(), server.public()
    token = server.tokens(app)["access_token"]
    assert server.introspect(app, token)["active"]
    assert server.introspect(other, token) == {"active": False}


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_an_app_gives_back_a_token_and_all_of_its_grant_ends(server: Server, kind: str) -> None:
    app = server.app()
    tokens, others = server.tokens(app), server.tokens(app)
    answer = server.post("/auth/revoke", {"token": tokens[kind]}, **app.headers)
    assert answer.status_code == 200
    assert server.introspect(app, tokens["access_token"]) == {"active": False}
    assert server.refresh(app, tokens["refresh_token"]).status_code == 400
    assert server.introspect(app, others["access_token"])["active"]


def test_an_app_cannot_revoke_what_is_of_another(server: Server) -> None:
    app, other = server.app(), server.app()
    tokens = server.tokens(app)
    for kind in ("access_token", "refresh_token"):
        answer = server.post("/auth/revoke", {"token": tokens[kind]}, **other.headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert server.introspect(app, tokens["access_token"])["active"]


def test_revoking_what_nobody_knows_is_answered_with_200(server: Server) -> None:
    app = server.app()
    assert server.post("/auth/revoke", {"token": "unknown"}, **app.headers).status_code == 200
    assert server.post("/auth/revoke", {"token": "unknown"}).status_code == 401
    assert server.post("/auth/revoke", {}, **app.headers).status_code == 400
