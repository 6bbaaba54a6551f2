"""What authorize refuses: to a person on a page, or to the app at its own address, and nobody else."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine

from smart_auth import clients
from tests.smart_auth.launch.visit import CALLBACK, FHIR, ROOT, App, Browser, allow, hidden, told

SCOPE = "launch/patient patient/Patient.rs"


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": CALLBACK + "/"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": ""},
        {"client_id": "nobody"},
        {"client_id": ""},
    ],
)
def test_an_address_that_is_not_the_apps_is_never_redirected_to(
    app: App, changed: dict[str, str]
) -> None:
    answer = app.begin(SCOPE, **changed)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "Nothing was shared" in answer.text


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"aud": "https://inferno.healthit.gov/invalid_aud"}, "invalid_request"),
        ({"aud": ROOT}, "invalid_request"),
        ({"aud": ""}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "never"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
    ],
)
def test_the_app_is_told_what_is_wrong(app: App, changed: dict[str, str], error: str) -> None:
    said = told(app.begin(changed.pop("scope", SCOPE), **changed))
    assert said["error"] == error
    assert said["state"] == "s-1"
    assert said["iss"] == ROOT
    assert "code" not in said


def test_a_right_request_is_not_refused(app: App) -> None:
    assert "Sign in" in app.begin(SCOPE).text
    assert "Sign in" in app.begin(SCOPE, aud=FHIR + "/").text


def test_a_request_may_come_as_a_form(app: App) -> None:
    stated = list(app.request(SCOPE).items())
    page = app.browser.sign_in(app.browser.post("/auth/authorize", stated), "ada@test.example")
    assert app.exchange(allow(app.browser, page)["code"]).status_code == 200


def test_a_parameter_twice_is_refused(app: App) -> None:
    stated = [*app.request(SCOPE).items(), ("redirect_uri", "https://evil.example")]
    answer = app.browser.get(f"/auth/authorize?{urlencode(stated)}")
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_consent_from_another_site_counts_for_nothing(app: App) -> None:
    page = app.browser.sign_in(app.begin(SCOPE), "ada@test.example")
    fields = {**hidden(page), "scope": "patient/Patient.rs", "decision": "allow"}
    forged = {**fields, "csrf": ""}
    assert app.browser.post("/auth/consent", list(forged.items())).status_code == 403
    cross = {"sec-fetch-site": "cross-site"}
    answer = app.browser.post("/auth/consent", list(fields.items()), headers=cross)
    assert answer.status_code == 403
    assert "code" in told(app.browser.post("/auth/consent", list(fields.items())))


def test_no_page_lets_itself_be_framed_or_scripted(app: App) -> None:
    page = app.browser.sign_in(app.begin(SCOPE), "ada@test.example")
    for answer in (page, app.begin("x", client_id="x"), app.browser.get("/auth/apps")):
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert "<script>" not in answer.text
        assert "style=" not in answer.text


def test_an_apps_name_is_text_and_not_markup(browser: Browser, engine: Engine) -> None:
    with engine.begin() as connection:
        stated = {"client_name": "<b>x</b>", "redirect_uris": [CALLBACK]}
        client, secret = clients.register(connection, stated)
    app = App(browser, client.id, secret or "")
    page = browser.sign_in(app.begin(SCOPE), "ada@test.example")
    assert "<b>x</b>" not in page.text
    assert "&lt;b&gt;x&lt;/b&gt;" in page.text


def test_prompt_login_asks_for_the_password_again(app: App) -> None:
    browser = app.browser
    browser.sign_in(app.begin(SCOPE), "ada@test.example")
    assert "asks for access" in app.begin(SCOPE).text
    page = app.begin(SCOPE, prompt="login")
    assert "Password" in page.text
    assert "asks for access" in browser.sign_in(page, "ada@test.example").text


def test_a_pushed_request_is_good_once_and_for_its_own_app(app: App, public: App) -> None:
    pushed = app.browser.send(
        "POST", "/auth/par", data=app.request(SCOPE), auth=(app.client_id, app.secret)
    )
    assert pushed.status_code == 201
    link = {"client_id": app.client_id, "request_uri": pushed.json()["request_uri"]}
    wrong = app.browser.get(f"/auth/authorize?{urlencode({**link, 'client_id': public.client_id})}")
    assert wrong.status_code == 400
    page = app.browser.get(f"/auth/authorize?{urlencode(link)}")
    page = app.browser.sign_in(page, "ada@test.example")
    assert app.exchange(allow(app.browser, page)["code"]).status_code == 200
    again = app.browser.get(f"/auth/authorize?{urlencode(link)}")
    assert again.status_code == 400


@pytest.mark.parametrize("changed", [{"aud": "https://x.example"}, {"redirect_uri": "https://x"}])
def test_a_wrong_pushed_request_is_refused_at_once(app: App, changed: dict[str, Any]) -> None:
    login = (app.client_id, app.secret)
    stated = {**app.request(SCOPE), **changed}
    answer = app.browser.send("POST", "/auth/par", data=stated, auth=login)
    assert answer.status_code == 400
    assert app.browser.send("POST", "/auth/par", data=stated).status_code == 401


def test_odd_input_never_breaks_the_pages(app: App) -> None:
    browser = app.browser
    browser.sign_in(browser.get("/auth/login"), "ada@test.example")
    for path in (
        "/auth/consent",
        "/auth/consent?request=%00",
        "/auth/consent?request=" + "x" * 5000,
        "/auth/authorize",
        "/auth/authorize?%ff=%fe",
        "/auth/authorize?request_uri=x",
        "/auth/launch?name=%00%F0%9F%98%80",
        "/auth/apps/new?x=%00",
    ):
        assert browser.get(path).status_code < 500, path
    for path in ("/auth/consent", "/auth/apps", "/auth/apps/new", "/auth/launch/open"):
        assert browser.post(path, [("csrf", "x")]).status_code == 403, path
        assert browser.send("POST", path, content=b"\xff").status_code in (400, 415), path
