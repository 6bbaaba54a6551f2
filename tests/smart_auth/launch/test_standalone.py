"""A standalone launch from the app's first link to its last token."""

from __future__ import annotations

import base64
import json

import pytest

from tests.fhir_server.access.practice import CATEGORY
from tests.smart_auth.launch.visit import (
    FHIR,
    ROOT,
    App,
    Browser,
    allow,
    boxes,
    hidden,
    hidden_of,
    told,
)

FULL = (
    "launch/patient openid fhirUser offline_access patient/Patient.rs patient/Observation.rs "
    "patient/Condition.rs patient/Practitioner.rs"
)
LAB = f"patient/Observation.rs?category={CATEGORY}|laboratory"


def connected(app: App, scope: str = FULL, ticked: list[str] | None = None) -> dict[str, str]:
    page = app.browser.sign_in(app.begin(scope), "ada@test.example")
    said = allow(app.browser, page, ticked)
    answer = app.exchange(said["code"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    got: dict[str, str] = answer.json()
    return got


def test_a_patient_connects_an_app(app: App) -> None:
    page = app.browser.sign_in(app.begin(FULL), "ada@test.example")
    assert "Heart Chart asks for access" in page.text
    assert "https://app.example" in page.text
    said = allow(app.browser, page)
    assert said["state"] == "s-1"
    assert said["iss"] == ROOT
    got = app.exchange(said["code"]).json()
    assert got["patient"] == "ada"
    assert got["need_patient_banner"] is True
    assert set(got["scope"].split()) == set(FULL.split())
    assert got["token_type"].lower() == "bearer"
    assert app.browser.get(got["smart_style_url"]).json()["color_text"]
    assert app.fhir("Patient/ada", got["access_token"]).status_code == 200
    assert app.fhir("Patient/cleo", got["access_token"]).status_code == 404
    assert app.fhir("Encounter", got["access_token"]).status_code == 403
    claims = json.loads(base64.urlsafe_b64decode(got["id_token"].split(".")[1] + "=="))
    assert claims["iss"] == ROOT
    assert claims["fhirUser"] == f"{FHIR}/Patient/ada"


def test_what_is_unticked_is_not_granted(app: App) -> None:
    got = connected(app, ticked=["patient/Patient.rs"])
    assert set(got["scope"].split()) == {
        "launch/patient",
        "openid",
        "fhirUser",
        "patient/Patient.rs",
    }
    assert "refresh_token" not in got
    assert app.fhir("Patient/ada", got["access_token"]).status_code == 200
    assert app.fhir("Observation", got["access_token"]).status_code == 403


def test_a_whole_type_may_be_narrowed_to_a_kind(app: App) -> None:
    page = app.browser.sign_in(app.begin(FULL), "ada@test.example")
    assert boxes(page)[LAB] is False
    said = allow(app.browser, page, ["patient/Patient.rs", LAB])
    got = app.exchange(said["code"]).json()
    assert LAB in got["scope"].split()
    assert "patient/Observation.rs" not in got["scope"].split()
    assert app.fhir("Observation/laboratory-ada", got["access_token"]).status_code == 200
    assert app.fhir("Observation/vital-signs-ada", got["access_token"]).status_code == 404


def test_a_wildcard_stays_one_or_becomes_types(app: App) -> None:
    page = app.browser.sign_in(app.begin("launch/patient patient/*.rs"), "ada@test.example")
    offered = boxes(page)
    assert offered["patient/*.rs"] is True
    assert offered["patient/Observation.rs"] is False
    said = allow(app.browser, page, ["patient/Observation.rs"])
    got = app.exchange(said["code"]).json()
    assert got["scope"].split() == ["launch/patient", "patient/Observation.rs"]


def test_nothing_beyond_what_was_asked_is_granted(app: App) -> None:
    page = app.browser.sign_in(app.begin("launch/patient patient/Patient.rs"), "ada@test.example")
    forged = ["patient/Patient.rs", "patient/*.cruds", "user/*.rs", "system/*.rs", "offline_access"]
    said = allow(app.browser, page, forged)
    got = app.exchange(said["code"]).json()
    assert got["scope"].split() == ["launch/patient", "patient/Patient.rs"]


def test_who_denies_grants_nothing(app: App) -> None:
    page = app.browser.sign_in(app.begin(FULL), "ada@test.example")
    fields = [*hidden(page).items(), ("scope", "patient/Patient.rs"), ("decision", "deny")]
    said = told(app.browser.post("/auth/consent", fields))
    assert said["error"] == "access_denied"
    assert "code" not in said
    again = app.browser.post("/auth/consent", [*fields[:-1], ("decision", "allow")])
    assert again.status_code == 400


def test_an_app_without_a_secret_connects_too(public: App) -> None:
    got = connected(public, "launch/patient patient/Patient.rs offline_access")
    fresh = public.token({"grant_type": "refresh_token", "refresh_token": got["refresh_token"]})
    assert fresh.status_code == 200
    assert public.fhir("Patient/ada", fresh.json()["access_token"]).status_code == 200
    assert public.token({"grant_type": "refresh_token", "refresh_token": "x"}).status_code == 400


def test_a_refresh_names_its_app_where_no_secret_could(public: App, app: App) -> None:
    scope = "launch/patient patient/Patient.rs offline_access"
    form = {"grant_type": "refresh_token"}
    page = public.browser.sign_in(public.begin(scope), "ada@test.example")
    got = public.exchange(allow(public.browser, page)["code"]).json()
    alone = {**form, "refresh_token": got["refresh_token"]}
    assert public.browser.send("POST", "/auth/token", data=alone).status_code == 200
    got = app.exchange(allow(app.browser, app.begin(scope))["code"]).json()
    alone = {**form, "refresh_token": got["refresh_token"]}
    assert app.browser.send("POST", "/auth/token", data=alone).status_code == 401
    assert app.token(alone).status_code == 200


@pytest.mark.parametrize("version_1", ["patient/Patient.read", "patient/*.read"])
def test_scopes_of_version_1_do_as_well(app: App, version_1: str) -> None:
    got = connected(app, f"launch/patient {version_1}")
    assert version_1 in got["scope"].split()
    assert app.fhir("Patient/ada", got["access_token"]).status_code == 200
    assert app.fhir("Patient?name=ada", got["access_token"]).status_code == 200


def test_a_clinician_chooses_among_their_own_patients(app: App) -> None:
    page = app.browser.sign_in(app.begin("launch/patient patient/*.rs"), "osei@test.example")
    assert "Whose record" in page.text
    assert "Ada" in page.text
    assert "Ben" in page.text
    assert "Cleo" not in page.text
    fields = hidden(page)
    stranger = app.browser.post("/auth/consent", [*fields.items(), ("patient", "cleo")])
    assert "Whose record" in stranger.text
    page = app.browser.post("/auth/consent", [*fields.items(), ("patient", "ben")])
    assert "asks for access" in page.text
    got = app.exchange(allow(app.browser, page)["code"]).json()
    assert got["patient"] == "ben"
    assert app.fhir("Observation/laboratory-ben", got["access_token"]).status_code == 200
    assert app.fhir("Observation/laboratory-ada", got["access_token"]).status_code == 404


def test_a_parent_opens_the_record_of_their_child(app: App) -> None:
    page = app.browser.sign_in(app.begin("launch/patient patient/*.rs"), "mia@test.example")
    assert "Ben" in page.text
    assert "Ada" not in page.text
    page = app.browser.post("/auth/consent", [*hidden(page).items(), ("patient", "ben")])
    got = app.exchange(allow(app.browser, page)["code"]).json()
    assert app.fhir("Patient/ben", got["access_token"]).status_code == 200


def test_access_that_is_ended_ends_at_once(app: App) -> None:
    got = connected(app)
    page = app.browser.get("/auth/apps")
    assert "Heart Chart" in page.text
    fields = [(name, value) for name, value in hidden_of(page, "grant").items()]
    page = app.browser.post("/auth/apps", [*fields, ("decision", "end")])
    assert "Heart Chart" not in page.text
    assert app.fhir("Patient/ada", got["access_token"]).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    assert app.token(form).status_code == 400


def test_access_can_be_narrowed_later(app: App) -> None:
    got = connected(app)
    page = app.browser.get("/auth/apps")
    fields = [*hidden_of(page, "grant").items(), ("scope", "patient/Patient.rs")]
    app.browser.post("/auth/apps", [*fields, ("decision", "narrow")])
    assert app.fhir("Observation", got["access_token"]).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    fresh = app.token(form).json()
    assert "patient/Observation.rs" not in fresh["scope"]
    assert app.fhir("Observation", fresh["access_token"]).status_code == 403
    assert app.fhir("Patient/ada", fresh["access_token"]).status_code == 200


def test_somebody_else_may_not_decide(app: App, server: object) -> None:
    page = app.browser.sign_in(app.begin(FULL), "ada@test.example")
    handle = hidden(page)["request"]
    other = Browser(server, app.browser.runner)
    login = other.get(f"/auth/consent?request={handle}")
    answer = other.sign_in(login, "osei@test.example")
    assert answer.status_code == 400
    assert "This request is over" in answer.text
