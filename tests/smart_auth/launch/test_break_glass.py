"""A clinician opens a stranger's record in an emergency; it is written down and the patient is told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select, update

from fhir_server.channels.tables import mail
from smart_auth.tables import break_glass
from tests.smart_auth.launch.visit import App, Browser, allow, hidden, hidden_of

REASON = "Unconscious in the waiting room"


def broken(browser: Browser, **changed: str) -> Any:
    page = browser.get("/auth/break-glass")
    fields = {**hidden_of(page, "patient"), "patient": "ada", "reason": REASON, **changed}
    return browser.post("/auth/break-glass", list(fields.items()))


def lind_of(app: App) -> Browser:
    app.browser.sign_in(app.browser.get("/auth/login"), "lind@test.example")
    return app.browser


def token_of(app: App) -> str:
    """Launch for Ada, who is not the clinician's patient."""
    page = app.begin("launch/patient patient/*.rs")
    page = app.browser.post("/auth/consent", [*hidden(page).items(), ("patient", "ada")])
    code = allow(app.browser, page)["code"]
    return str(app.exchange(code).json()["access_token"])


def test_for_an_hour_a_stranger_is_a_patient(app: App, engine: Engine) -> None:
    browser = lind_of(app)
    assert "Ada" not in browser.get("/auth/launch").text
    assert "Ada" in broken(browser).text
    assert app.fhir("Observation/laboratory-ada", token_of(app)).status_code == 200
    assert app.fhir("Observation/laboratory-ben", token_of(app)).status_code == 404
    with engine.begin() as connection:
        told = connection.execute(select(mail.c.recipient, mail.c.text)).one()
        connection.execute(update(break_glass).values(expires=break_glass.c.created))
    assert told.recipient == "ada@test.example"
    assert "Dr. Lind" in told.text
    assert REASON not in told.text
    assert "Ada" not in browser.get("/auth/launch").text


def test_without_a_reason_or_a_patient_nothing_opens(app: App) -> None:
    browser = lind_of(app)
    assert broken(browser, reason="because").status_code == 400
    assert broken(browser, patient="nobody").status_code == 400
    assert broken(browser, csrf="x").status_code == 403
    assert "Ada" not in browser.get("/auth/launch").text


def test_nobody_but_a_clinician_breaks_it(app: App) -> None:
    app.browser.sign_in(app.browser.get("/auth/login"), "ada@test.example")
    assert app.browser.get("/auth/break-glass").status_code == 403
