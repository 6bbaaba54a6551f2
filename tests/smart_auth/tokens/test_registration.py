"""What an app may say of itself, and registration over the web."""

from __future__ import annotations

from typing import Any

import pytest

from smart_auth import metadata
from smart_auth.errors import OAuthError
from tests.smart_auth.tokens.conftest import with_options
from tests.smart_auth.tokens.server import CALLBACK, Server, ec, public, rsa

KEY = rsa()
PEOPLE = {"client_name": "An app", "redirect_uris": [CALLBACK]}
BACKEND = {
    "client_name": "A backend",
    "token_endpoint_auth_method": "private_key_jwt",
    "grant_types": ["client_credentials"],
    "jwks": public(KEY),
    "scope": "system/*.rs",
}


def refusal(said: dict[str, Any]) -> OAuthError:
    with pytest.raises(OAuthError) as raised:
        metadata.columns(said)
    assert raised.value.status == 400
    return raised.value


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example:8443/a?b=c",
        "http://127.0.0.1:4567/callback",
        "http://localhost/callback",
        "http://[::1]:8080/",
        "org.example.app:/callback",
        "org.example.app://callback",
    ],
)
def test_a_redirect_uri_is_https_or_this_machine_or_an_app(uri: str) -> None:
    assert metadata.columns({**PEOPLE, "redirect_uris": [uri]})["redirect_uris"] == [uri]


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/callback",
        "https://app.example/callback#part",
        "https://app.example/callback#",
        "https://app.example/*",
        "https://*.example/",
        "https://user:secret@app.example/",
        "https:///callback",
        "https://app.example/a b",
        "https://app.example/\n",
        "https://app.example\\@evil.example/",
        "https://exämple.org/",
        "https://app.example:port/",
        "javascript:alert(1)",
        "data:text/html,x",
        "app:/callback",
        "/callback",
        "callback",
        "",
        "https://app.example/" + "a" * 3000,
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
    ],
)
def test_any_other_redirect_uri_is_refused(uri: str) -> None:
    assert refusal({**PEOPLE, "redirect_uris": [uri]}).error == "invalid_redirect_uri"


def test_a_demo_takes_plain_http_from_every_host() -> None:
    said = {**PEOPLE, "redirect_uris": ["http://kit:4567/cb"]}
    assert metadata.columns(said, demo=True)["redirect_uris"] == ["http://kit:4567/cb"]
    assert refusal(said)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"client_name": ""}, "client_name"),
        ({"client_name": "x" * 300}, "client_name"),
        ({"client_name": 1}, "client_name"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": CALLBACK}, "redirect_uris"),
        ({"redirect_uris": [1]}, "redirect_uris"),
        ({"redirect_uris": [f"{CALLBACK}{n}" for n in range(30)]}, "redirect_uris"),
        ({"grant_types": ["implicit"]}, "implicit"),
        ({"grant_types": ["password"]}, "password"),
        ({"grant_types": ["refresh_token"]}, "authorization_code"),
        ({"grant_types": ["client_credentials"]}, "private_key_jwt"),
        ({"response_types": ["token"]}, "response_types"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "client_secret_jwt"),
        ({"scope": "patient/Foo.rs"}, "patient/Foo.rs"),
        ({"scope": "system/Patient.rs"}, "client_credentials"),
        ({"scope": "openid email"}, "email"),
        ({"logo_uri": "javascript:alert(1)"}, "logo_uri"),
        ({"client_uri": "http://app.example"}, "client_uri"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks_uri"),
    ],
)
def test_metadata_that_is_not_right_is_refused_with_a_sentence_that_names_it(
    changed: dict[str, Any], word: str
) -> None:
    assert metadata.columns(PEOPLE)
    assert word in refusal({**PEOPLE, **changed}).description


@pytest.mark.parametrize(
    "changed",
    [
        {"jwks": None},
        {"jwks_uri": "https://app.example/jwks"},
        {"jwks": None, "jwks_uri": "http://app.example/jwks"},
        {"jwks": {"keys": []}},
        {"jwks": []},
        {"jwks": {"keys": [{"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}]}},
        {"jwks": {"keys": [{"kty": "EC", "kid": "a", "crv": "P-384", "x": "a", "y": "b"}]}},
        {"jwks": {"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}},
        {"jwks": {"keys": [KEY.as_dict(private=True)]}},
        {"jwks": {"keys": [{**public(KEY)["keys"][0], "kid": None}]}},
        {"jwks": {"keys": [{**public(KEY)["keys"][0], "use": "enc"}]}},
        {"scope": ""},
        {"token_endpoint_auth_method": "client_secret_basic"},
    ],
    ids=" ".join,
)
def test_a_backend_needs_keys_and_scopes(changed: dict[str, Any]) -> None:
    assert metadata.columns(BACKEND)["jwks"]
    assert metadata.columns({**BACKEND, "jwks": public(ec())})
    assert refusal({**BACKEND, **changed}).error == "invalid_client_metadata"


def register(server: Server, said: Any) -> Any:
    return server.web.post("/auth/clients", json=said)


def test_an_app_registers_and_uses_what_it_got(server: Server) -> None:
    answer = register(server, {**PEOPLE, "logo_uri": "https://app.example/logo.png", "odd": 1})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert said["client_secret_expires_at"] == 0
    assert said["grant_types"] == ["authorization_code", "refresh_token"]
    assert said["token_endpoint_auth_method"] == "client_secret_basic"
    assert said["redirect_uris"] == [CALLBACK]
    assert said["logo_uri"] == "https://app.example/logo.png"
    assert "odd" not in said
    form = {"token": "x", "client_id": said["client_id"], "client_secret": said["client_secret"]}
    assert server.post("/auth/introspect", form).status_code == 200


@pytest.mark.parametrize("grants", [["client_credentials"], "client_credentials", 1])
def test_nobody_becomes_a_backend_service_over_the_web(server: Server, grants: Any) -> None:
    said = register(server, PEOPLE).json()
    path, headers = at(said)
    wrong = BACKEND | {"grant_types": grants}
    changed = wrong | {"client_id": said["client_id"]}
    for answer in (
        register(server, wrong),
        server.web.request("PUT", path, headers=headers, json=changed),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_registration_is_not_there_without_its_switch(server: Server) -> None:
    closed = with_options(server, dynamic_registration=False)
    assert register(closed, PEOPLE).status_code == 404
    assert register(server, PEOPLE).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 60000),
        b'{"client_name": "a\\u0000"}',
        b'{"client_name": "\\ud800"}',
    ],
)
def test_a_body_that_is_no_json_object_is_refused(server: Server, body: bytes) -> None:
    answer = server.web.post("/auth/clients", content=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_a_large_body_is_refused(server: Server) -> None:
    assert register(server, {**PEOPLE, "odd": "x" * 70000}).status_code == 413


def at(said: dict[str, Any], token: str | None = None) -> tuple[str, dict[str, str]]:
    path = said["registration_client_uri"].partition("8000")[2]
    return path, {"Authorization": f"Bearer {token or said['registration_access_token']}"}


def test_whoever_registered_an_app_reads_changes_and_ends_it(server: Server) -> None:
    said = register(server, PEOPLE).json()
    path, headers = at(said)
    shown = server.web.get(path, headers=headers).json()
    assert shown["client_name"] == "An app"
    assert "client_secret" not in shown
    assert shown["registration_access_token"] == said["registration_access_token"]
    new = {**PEOPLE, "client_id": said["client_id"], "client_name": "Another name"}
    changed = server.web.request("PUT", path, headers=headers, json=new)
    assert (changed.status_code, changed.json()["client_name"]) == (200, "Another name")
    assert server.web.request("DELETE", path, headers=headers).status_code == 204
    assert server.web.get(path, headers=headers).status_code == 401


def test_a_changed_way_of_authentication_takes_the_secret_away_or_gives_one(
    server: Server,
) -> None:
    said = register(server, PEOPLE).json()
    path, headers = at(said)
    new = {**PEOPLE, "client_id": said["client_id"]}
    keys = {**new, "token_endpoint_auth_method": "private_key_jwt", "jwks": public(KEY)}
    changed = server.web.request("PUT", path, headers=headers, json=keys).json()
    assert (changed["jwks"], "client_secret" in changed) == (public(KEY), False)
    back = server.web.request("PUT", path, headers=headers, json=new).json()
    assert back["client_secret"] != said["client_secret"]
    assert "jwks" not in back


def test_nobody_else_reads_changes_or_ends_it(server: Server) -> None:
    said, other = register(server, PEOPLE).json(), register(server, PEOPLE).json()
    path, _ = at(said)
    for headers in (
        {},
        at(said, other["registration_access_token"])[1],
        {"Authorization": "Basic x"},
    ):
        for method in ("GET", "DELETE"):
            answer = server.web.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        answer = server.web.request("PUT", path, headers=headers, json=PEOPLE)
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "changed", [{"client_id": "x"}, {"client_id": None}, {"client_secret": "x"}]
)
def test_a_change_names_the_app_and_nothing_false(server: Server, changed: dict[str, Any]) -> None:
    said = register(server, PEOPLE).json()
    path, headers = at(said)
    new = {**PEOPLE, "client_id": said["client_id"], **changed}
    answer = server.web.request("PUT", path, headers=headers, json=new)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_an_app_without_registration_token_cannot_be_had_by_an_empty_one(server: Server) -> None:
    app = server.app()
    answer = server.web.get(f"/auth/clients/{app.id}", headers={"Authorization": "Bearer "})
    assert answer.status_code == 401
