"""A launch from a chart: the value that the app brings is good once, for one person and one app."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import Engine

from tests.smart_auth.launch.conftest import registered
from tests.smart_auth.launch.visit import FHIR, App, Browser, allow, hidden_of

SCOPE = "launch openid fhirUser offline_access user/*.rs patient/*.rs"


@pytest.fixture
def osei(browser: Browser) -> Browser:
    """Give the browser of a clinician who is signed in."""
    browser.sign_in(browser.get("/auth/login"), "osei@test.example")
    return browser


def launch(browser: Browser, **wanted: Any) -> Any:
    return browser.send("POST", "/auth/launch", json=wanted)


def test_a_clinician_opens_an_app_for_a_patient(osei: Browser, app: App) -> None:
    begun = launch(osei, patient="ada", encounter="visit-ada", client_id=app.client_id, intent="x")
    assert begun.status_code == 201
    where = dict(parse_qsl(urlsplit(begun.json()["launch_url"]).query))
    assert where["iss"] == FHIR
    page = app.begin(SCOPE, launch=where["launch"])
    assert "Ada" in page.text
    got = app.exchange(allow(osei, page)["code"]).json()
    assert got["patient"] == "ada"
    assert got["encounter"] == "visit-ada"
    assert got["intent"] == "x"
    assert got["need_patient_banner"] is True
    token = got["access_token"]
    assert app.fhir("Encounter/visit-ada", token).status_code == 200
    assert app.fhir("Practitioner/osei", token).status_code == 200
    assert app.fhir("Patient/ben", token).status_code == 200
    assert app.fhir("Patient/cleo", token).status_code == 404


def test_with_patient_scopes_the_app_sees_this_patient_only(osei: Browser, app: App) -> None:
    value = launch(osei, patient="ada").json()["launch"]
    page = app.begin("launch patient/*.rs", launch=value)
    token = app.exchange(allow(osei, page)["code"]).json()["access_token"]
    assert app.fhir("Patient/ada", token).status_code == 200
    assert app.fhir("Patient/ben", token).status_code == 404


def test_a_launch_is_good_once(osei: Browser, app: App) -> None:
    value = launch(osei, patient="ada").json()["launch"]
    assert "asks for access" in app.begin(SCOPE, launch=value).text
    again = app.begin(SCOPE, launch=value)
    assert again.status_code == 303
    assert "error=invalid_request" in again.headers["location"]


def test_a_launch_of_another_person_or_app_is_refused(
    osei: Browser, app: App, engine: Engine, server: Any
) -> None:
    value = launch(osei, patient="ada", client_id=app.client_id).json()["launch"]
    other = App(osei, *registered(engine, client_name="Other"))
    assert "error=" in other.begin(SCOPE, launch=value).headers["location"]
    lind = Browser(server, osei.runner)
    lind.sign_in(lind.get("/auth/login"), "lind@test.example")
    stolen = App(lind, app.client_id, app.secret).begin(SCOPE, launch=value)
    assert "error=invalid_request" in stolen.headers["location"]


def test_nobody_launches_for_a_patient_they_may_not_see(osei: Browser) -> None:
    answer = launch(osei, patient="cleo")
    assert answer.status_code == 400
    assert "no such patient" in answer.json()["detail"]
    assert launch(osei, patient="ada", encounter="visit-cleo").status_code == 400
    assert launch(osei, patient="ada", fhirContext=["Patient/1"]).status_code == 400
    assert launch(osei, patient="ada").status_code == 201


def test_who_is_not_signed_in_launches_nothing(browser: Browser) -> None:
    assert launch(browser, patient="ada").status_code == 401


def test_the_scope_launch_needs_a_launch(osei: Browser, app: App) -> None:
    assert "error=invalid_request" in app.begin(SCOPE).headers["location"]


def test_the_page_opens_an_app_with_iss_and_launch(osei: Browser, app: App) -> None:
    page = osei.get("/auth/launch")
    assert "Cleo" not in page.text
    fields = {**hidden_of(page, "csrf"), "client_id": app.client_id, "patient": "ada"}
    answer = osei.post("/auth/launch/open", list(fields.items()))
    where = answer.headers["location"]
    assert where.startswith("https://app.example/launch?iss=")
    forged = {**fields, "csrf": "x"}
    assert osei.post("/auth/launch/open", list(forged.items())).status_code == 403
