"""The code for a token: once, by the app it was made for, with the verifier."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import func, update

from smart_auth import access_tokens
from smart_auth.tables import account
from smart_auth.tables import code as code_table
from tests.smart_auth.tokens.conftest import with_options
from tests.smart_auth.tokens.server import CALLBACK, SCOPE, VERIFIER, Server, challenge


def test_a_code_is_exchanged_for_tokens_with_the_launch_context(server: Server) -> None:
    app = server.app()
    answer = server.exchange(app, server.code(app))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == server.auth.options.access_token
    assert tokens["scope"] == SCOPE
    assert tokens["patient"] == "1"
    assert tokens["encounter"] == "e1"
    assert tokens["need_patient_banner"] is True
    assert tokens["refresh_token"]
    assert tokens["id_token"].count(".") == 2


def test_an_access_token_says_who_asks(server: Server) -> None:
    app = server.app()
    claims = access_tokens.read(server.auth, server.tokens(app)["access_token"])
    principal = access_tokens.principal_of(claims)
    assert (principal.role, principal.user, principal.name) == ("patient", "Patient/1", "Ann")
    assert (principal.account, principal.client, principal.patient) == (server.account, app.id, "1")
    assert [scope.text for scope in principal.scopes or ()] == SCOPE.split()[4:]
    assert claims["aud"] == server.auth.fhir


def test_an_id_token_is_no_access_token(server: Server) -> None:
    with pytest.raises(access_tokens.BadToken):
        access_tokens.read(server.auth, server.tokens(server.app())["id_token"])


def test_the_id_token_is_signed_by_a_published_key_and_says_who_signed_in(server: Server) -> None:
    app = server.app()
    token = server.tokens(app)["id_token"]
    published = KeySet.import_key_set(server.web.get("/auth/jwks").json())
    read = jwt.decode(token, published, algorithms=["RS256"])
    said = read.claims
    assert read.header["kid"] in [key.kid for key in published.keys]
    assert said["iss"] == server.auth.issuer
    assert said["sub"] == server.account
    assert said["aud"] == app.id
    assert said["nonce"] == "n-1"
    assert said["auth_time"] == 1767312000
    assert said["fhirUser"] == f"{server.auth.fhir}/Patient/1"
    assert said["exp"] > said["iat"]


def test_without_openid_there_is_no_id_token_and_without_offline_no_refresh_token(
    server: Server,
) -> None:
    tokens = server.tokens(server.app(), "patient/Patient.rs")
    assert {"id_token", "refresh_token"} & set(tokens) == set()


def test_an_app_that_is_not_registered_for_refresh_gets_no_refresh_token(server: Server) -> None:
    assert "refresh_token" not in server.tokens(server.app(grant_types=["authorization_code"]))


def test_a_public_app_exchanges_its_code_by_its_id_alone(server: Server) -> None:
    app = server.public()
    assert server.tokens(app)["refresh_token"]


def test_a_second_use_of_a_code_ends_what_the_first_got(server: Server) -> None:
    app = server.app()
    code = server.code(app)
    first = server.exchange(app, code).json()
    assert server.introspect(app, first["access_token"])["active"]
    second = server.exchange(app, code)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert server.introspect(app, first["access_token"]) == {"active": False}
    assert server.refresh(app, first["refresh_token"]).status_code == 400


def test_of_two_exchanges_at_once_one_at_most_succeeds(server: Server) -> None:
    app = server.app()
    code = server.code(app)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.exchange(app, code), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


@pytest.mark.parametrize("verifier", [None, "", "x" * 43, "short", challenge(VERIFIER), "é" * 43])
def test_a_code_without_its_verifier_is_refused(server: Server, verifier: str | None) -> None:
    app = server.app()
    answer = server.exchange(app, server.code(app), code_verifier=verifier)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}
    assert "access_token" not in answer.json()


@pytest.mark.parametrize("uri", [None, CALLBACK + "/", "https://evil.example/", CALLBACK + "?a=b"])
def test_a_code_goes_with_its_redirect_uri_only(server: Server, uri: str | None) -> None:
    app = server.app()
    code = server.code(app)
    assert server.exchange(app, code, redirect_uri=uri).status_code == 400
    assert server.exchange(app, code).status_code == 200


def test_another_app_cannot_use_a_code_and_does_not_spoil_it(server: Server) -> None:
    app, thief = server.app(), server.app()
    code = server.code(app)
    assert server.exchange(thief, code).json()["error"] == "invalid_grant"
    assert server.exchange(app, code).status_code == 200


def test_an_expired_code_is_refused(server: Server) -> None:
    app = server.app()
    answer = server.exchange(app, server.code(app, lifetime=-1))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_codes_are_forgotten_a_day_after_their_time(server: Server) -> None:
    app = server.app()
    server.code(app, lifetime=-2 * 86400)
    server.code(app, lifetime=-3600)
    server.code(app)
    assert server.count(code_table) == 2


def test_an_access_token_lives_for_a_day_at_most(server: Server) -> None:
    holder = access_tokens.backend(server.app().client)
    assert access_tokens.issue(server.auth, holder, "system/*.rs", lifetime=86400)
    with pytest.raises(ValueError, match="a day at most"):
        access_tokens.issue(server.auth, holder, "system/*.rs", lifetime=86401)


@pytest.mark.parametrize("code", ["BAD_CODE", "é", "%", "a" * 5000])
def test_an_unknown_code_is_refused_with_400(server: Server, code: str) -> None:
    answer = server.exchange(server.app(), code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_code_of_an_account_that_was_disabled_is_refused(server: Server) -> None:
    app = server.app()
    code = server.code(app)
    with server.auth.engine.begin() as connection:
        connection.execute(update(account).values(disabled=func.now()))
    assert server.exchange(app, code).status_code == 400


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ("", 400, "invalid_request"),
        ("grant_type=", 400, "invalid_request"),
        ("grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        ("grant_type=authorization_code&grant_type=refresh_token", 400, "invalid_request"),
        ("grant_type=authorization_code&foo=1&foo=2", 400, "invalid_request"),
        ("grant_type=authorization_code&client_id=a%00b", 400, "invalid_request"),
        ("grant_type=authorization_code&client_id=%ff", 400, "invalid_request"),
        ("grant_type=authorization_code", 401, "invalid_client"),
        ("grant_type=authorization_code&client_id=nobody", 401, "invalid_client"),
        ("grant_type=authorization_code&pad=" + "x" * 70000, 413, "invalid_request"),
        ("&".join(f"p{n}=1" for n in range(200)), 400, "invalid_request"),
    ],
)
def test_a_broken_request_is_answered_with_the_code_of_the_rfc(
    server: Server, form: str, status: int, error: str
) -> None:
    answer = server.post("/auth/token", form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["cache-control"] == "no-store"


def test_a_body_that_is_no_form_is_refused(server: Server) -> None:
    answer = server.web.post("/auth/token", json={"grant_type": "authorization_code"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_unknown_parameters_are_ignored(server: Server) -> None:
    app = server.app()
    assert server.exchange(app, server.code(app), foo="bar").status_code == 200


def test_scripts_of_other_sites_may_use_the_token_endpoint(server: Server) -> None:
    app = server.public()
    form = {"grant_type": "authorization_code", "client_id": app.id}
    answer = server.post("/auth/token", form, Origin="https://app.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = server.web.request("OPTIONS", "/auth/token", headers={"Origin": "https://app.example"})
    assert asked.status_code == 204
    assert "POST" in asked.headers["access-control-allow-methods"]


def test_only_the_sites_of_the_settings_may(server: Server) -> None:
    strict = with_options(server, cors_origins=("https://good.example",))
    good = strict.post("/auth/token", {}, Origin="https://good.example")
    evil = strict.post("/auth/token", {}, Origin="https://evil.example")
    assert good.headers["access-control-allow-origin"] == "https://good.example"
    assert "access-control-allow-origin" not in evil.headers
