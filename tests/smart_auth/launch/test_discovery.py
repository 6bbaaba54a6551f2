"""What the discovery documents say is so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.smart_auth.launch.visit import FHIR, ROOT, App, Browser, allow, hidden

WHERE = ("/fhir/.well-known/smart-configuration", "/.well-known/smart-configuration")
STANDARD = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


@pytest.mark.parametrize("path", [*WHERE, *STANDARD])
def test_anybody_reads_the_documents(browser: Browser, path: str) -> None:
    answer = browser.send("GET", path, headers={"origin": "https://app.example"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["access-control-allow-origin"] == "*"
    said = answer.json()
    assert said["issuer"] == ROOT
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert "authorization_code" in said["grant_types_supported"]
    assert "RS256" in said["id_token_signing_alg_values_supported"]


@pytest.mark.parametrize("path", [*WHERE, *STANDARD])
def test_every_endpoint_in_them_answers(browser: Browser, path: str) -> None:
    said = browser.get(path).json()
    endpoints = {name: url for name, url in said.items() if name.endswith(("_endpoint", "_uri"))}
    assert {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(endpoints)
    assert "registration_endpoint" not in endpoints, "its switch is off"
    for name, url in endpoints.items():
        status = browser.send("GET", url.removeprefix(ROOT)).status_code
        assert status not in (404, 500), name


def test_the_capabilities_are_those_that_a_certified_server_has(browser: Browser) -> None:
    said: dict[str, Any] = browser.get(WHERE[0]).json()
    wanted = {
        *("launch-standalone", "launch-ehr", "authorize-post", "sso-openid-connect"),
        *("client-public", "client-confidential-symmetric", "client-confidential-asymmetric"),
        *("context-banner", "context-style", "context-ehr-patient", "context-standalone-patient"),
        *("permission-offline", "permission-patient", "permission-user"),
        *("permission-v1", "permission-v2"),
    }
    assert wanted <= set(said["capabilities"])


def test_the_capability_statement_says_where_tokens_come_from(browser: Browser) -> None:
    answer = browser.send("GET", "/fhir/metadata", headers={"origin": "https://app.example"})
    security = answer.json()["rest"][0]["security"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    told = {each["url"]: each["valueUri"] for each in security["extension"][0]["extension"]}
    assert told["authorize"] == f"{ROOT}/auth/authorize"
    assert browser.get(told["token"]).status_code == 405


def test_userinfo_says_who_signed_in(app: App) -> None:
    scope = "openid fhirUser launch/patient patient/Patient.rs"
    page = app.browser.sign_in(app.begin(scope), "ada@test.example")
    token = app.exchange(allow(app.browser, page)["code"]).json()["access_token"]
    head = {"authorization": f"Bearer {token}"}
    said = app.browser.send("GET", "/auth/userinfo", headers=head).json()
    assert said["fhirUser"] == f"{FHIR}/Patient/ada"
    assert app.browser.send("GET", "/auth/userinfo").status_code == 401


def test_an_app_is_registered_on_a_page(browser: Browser) -> None:
    browser.sign_in(browser.get("/auth/login"), "ada@test.example")
    fields = hidden(browser.get("/auth/apps/new")) | {
        "client_name": "My app",
        "redirect_uris": "https://app.example/callback",
        "kind": "client_secret_basic",
        "scope": "launch/patient patient/*.rs",
    }
    made = browser.post("/auth/apps/new", list(fields.items()))
    assert made.status_code == 201
    assert "client_secret" in made.text
    assert "My app" in browser.get("/auth/apps").text
    wrong = browser.post("/auth/apps/new", list((fields | {"redirect_uris": "x"}).items()))
    assert wrong.status_code == 400
    assert "My app" in wrong.text


def test_what_the_audit_keeps_is_stated_as_it_is_found(browser: Browser) -> None:
    """https://hl7.org/fhir/R4/auditevent.html: never written by a client, never changed."""
    listed = browser.get("/fhir/metadata").json()["rest"][0]["resource"]
    stated = next(each for each in listed if each["type"] == "AuditEvent")
    assert {each["code"] for each in stated["interaction"]} == {"read", "search-type"}
    assert {"agent", "patient", "date"} <= {each["name"] for each in stated["searchParam"]}
    assert "policy" not in {each["name"] for each in stated["searchParam"]}
