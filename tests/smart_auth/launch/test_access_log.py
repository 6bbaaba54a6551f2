"""A person sees who saw their record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhir_server.audit.trail import Trail
from fhir_server.database import Database
from medconsult.app import create_app
from medconsult.settings import Settings
from tests.smart_auth.launch.visit import ROOT, App, Browser, allow, hidden


@pytest.fixture
def trail(empty_database: str) -> Trail:
    return Trail(Database(empty_database, 1))


def test_a_patient_sees_who_saw_their_record(
    server: Any, app: App, trail: Trail, empty_database: str, tmp_path: Path, keys_dir: Path
) -> None:
    settings = Settings(
        database_url=empty_database, data_dir=tmp_path, keys_dir=str(keys_dir), base_url=ROOT
    )
    audited = create_app(settings, trail)
    try:
        runner = app.browser.runner
        osei = App(Browser(audited, runner), app.client_id, app.secret)
        page = osei.browser.sign_in(osei.begin("launch/patient patient/*.rs"), "osei@test.example")
        page = osei.browser.post("/auth/consent", [*hidden(page).items(), ("patient", "ada")])
        token = osei.exchange(allow(osei.browser, page)["code"]).json()["access_token"]
        assert osei.fhir("Observation/laboratory-ada", token).status_code == 200
        assert osei.fhir("Observation/laboratory-ben", token).status_code == 404
        trail.flush()
        ada = Browser(audited, runner)
        ada.sign_in(ada.get("/auth/login"), "ada@test.example")
        text = ada.get("/auth/access-log").text
        assert "Dr. Osei" in text
        assert "read measurements" in text
        cleo = Browser(audited, runner)
        assert "Dr. Osei" not in cleo.get("/auth/access-log").text
        cleo.sign_in(cleo.get("/auth/login"), "mia@test.example")
        assert "measurements" not in cleo.get("/auth/access-log").text
        assert ada.get("/auth/access-log?page=forged").status_code == 400
    finally:
        audited.app.fhir.authenticate.revocations.stop()  # type: ignore[attr-defined]
        trail.database.close()
