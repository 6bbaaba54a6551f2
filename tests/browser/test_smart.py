"""Apps launched as people launch them: in a browser, with the library that most SMART apps use."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.slow


def sign_in(page: Page, site: Site, email: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(site.password)
    page.get_by_role("button", name="Sign in").click()


def test_a_patient_connects_the_demo_app(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/demo/app")
    page.get_by_role("button", name="Connect").click()
    sign_in(page, site, "anna@demo.example")
    expect(page.get_by_role("heading", name="Demo app asks for access")).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Anna Brandt")).to_be_visible()
    expect(page.locator("#observations li")).to_have_count(10)
    page.get_by_role("button", name="Get a fresh token").click()
    expect(page.get_by_role("status")).to_contain_text("fresh token")


def test_what_a_patient_unticks_the_app_does_not_see(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/demo/app")
    page.get_by_role("button", name="Connect").click()
    sign_in(page, site, "anna@demo.example")
    page.get_by_label(re.compile("All kinds of records")).uncheck()
    page.get_by_text("choose single kinds").click()
    page.get_by_label("Name, birth date, address and contact").check()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Anna Brandt")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Observation")


def test_a_clinician_opens_the_demo_app_from_a_chart(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/auth/launch")
    sign_in(page, site, "osei@demo.example")
    page.get_by_role("button", name="Open for Kofi Mensah").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Kofi Mensah")).to_be_visible()


@pytest.fixture(scope="session")
def client_id(site: Site, other_site: str) -> str:
    printed = site.command(
        "client",
        "add",
        "Library app",
        "--public",
        "--redirect-uri",
        f"{other_site}/index.html",
        "--launch-uri",
        f"{other_site}/launch.html?client=PLACE",
    )
    return printed.split()[1]


def result(page: Page) -> dict[str, object]:
    said = page.locator("#said")
    expect(said).not_to_be_empty(timeout=15_000)
    found: dict[str, object] = json.loads(said.inner_text())
    return found


def test_the_library_does_a_standalone_launch(
    page: Page, site: Site, other_site: str, client_id: str
) -> None:
    page.goto(f"{other_site}/launch.html?client={client_id}&iss={site.url}/fhir")
    sign_in(page, site, "anna@demo.example")
    page.get_by_role("button", name="Allow").click()
    assert result(page) == {"patient": "demo-anna", "user": "demo-anna", "fresh": True, "found": 3}


def test_the_library_does_an_ehr_launch(
    page: Page, site: Site, other_site: str, client_id: str
) -> None:
    page.goto(f"{other_site}/index.html")
    page.evaluate("id => localStorage.setItem('client', id)", client_id)
    page.goto(f"{site.url}/auth/launch")
    sign_in(page, site, "osei@demo.example")
    begun = page.evaluate(
        """async (id) => (await fetch("/auth/launch", {
             method: "POST",
             headers: {"content-type": "application/json"},
             body: JSON.stringify({patient: "demo-lucia", client_id: id}),
           })).json()""",
        client_id,
    )
    where = f"launch.html?client={client_id}&iss={begun['iss']}&launch={begun['launch']}"
    page.goto(f"{other_site}/{where}")
    page.get_by_role("button", name="Allow").click()
    assert result(page)["patient"] == "demo-lucia"
    assert result(page)["user"] == "demo-osei"


def test_a_launch_that_ran_out_while_signing_in_is_told_to_the_app(
    page: Page, site: Site, other_site: str, client_id: str
) -> None:
    launch = f"client={client_id}&iss={site.url}/fhir&launch=gone"
    page.goto(f"{other_site}/launch.html?{launch}")
    sign_in(page, site, "osei@demo.example")
    expect(page.locator("#said")).to_contain_text("launch value is not good")
