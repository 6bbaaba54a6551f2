"""Every page of the portal, as its people, on a phone and a desktop: nothing cut, nothing in anybody's way.

axe-core looks for violations of WCAG 2.2 AA. With MEDCONSULT_SCREENS=folder each page is drawn there too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import HERE, Site, require
from tests.browser.test_smart import sign_in

pytestmark = pytest.mark.slow
AXE = HERE / "library" / "axe.min.js"
SIZES = {"phone": (320, 720), "desktop": (1280, 900)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SLOT = "first free slot"
ACCOUNT = "first account"
CANCEL = "cancel visits"
# Reached from another page, by what is pressed there.
REACHED = {
    SLOT: ("/doctors/demo-rahman-video", ("a.slot",)),
    ACCOUNT: ("/admin/accounts", ("td a",)),
    CANCEL: ("/admin/visits?status=booked", ("td input", "button.danger")),
}
EMAILS = {
    "visitor": "",
    "patient": "anna@demo.example",
    "carer": "elif@demo.example",
    "practitioner": "osei@demo.example",
    "administrator": "admin@demo.example",
}
PAGES = {
    "visitor": (
        *("/", "/doctors", "/doctors/demo-osei-video", "/doctors/demo-rahman-video", "/check"),
        *(
            "/check/AAAA-AAAA-AAAA-AAAA",
            "/auth/login",
            "/auth/register",
            "/auth/recover",
            "/styleguide",
        ),
    ),
    "patient": (
        *("/home", "/doctors/demo-osei-video", SLOT, "/visits", "/visits/demo-anna-next"),
        *("/visits/demo-anna-past", "/documents", "/prescriptions", "/settings", "/auth/account"),
        *("/profile", "/doctors/demo-osei-video/wait", "/visits/nothing"),
    ),
    "carer": ("/home", SLOT, "/visits", "/documents", "/prescriptions"),
    "practitioner": (
        *("/day", "/week", "/patients", "/patients/demo-anna", "/patients/demo-anna/prescribe"),
        *("/hours", "/profile"),
    ),
    "administrator": (
        "/admin",
        "/admin/visits",
        "/admin/payments",
        "/admin/mails",
        "/admin/offers/demo-osei",
        "/admin/accounts",
        ACCOUNT,
        CANCEL,
    ),
}
WRONG: dict[str, tuple[tuple[str, dict[str, str], str], ...]] = {
    "patient": (
        ("/profile", {}, "Use this picture"),
        ("/doctors/demo-osei-video/wait", {"from": "", "until": ""}, "Put me on the list"),
    ),
    "practitioner": (
        ("/hours", {"mon": "9 to 5"}, "Save"),
        ("/patients/demo-anna/prescribe", {}, "Read it before signing"),
    ),
    "administrator": (
        ("/admin", {}, "Invite"),
        ("/admin/offers/demo-osei", {"amount": "-1", "service": ""}, "Save"),
    ),
}
"""Forms that are sent with what is not right: the page, what is written, the button."""


def dark(size: str) -> str:
    return "dark" if size == "phone" else "light"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("person", PAGES)
def test_every_page_is_for_everybody(chromium: Browser, site: Site, person: str, size: str) -> None:
    require(AXE.exists(), "axe-core")
    page, errors = opened(chromium, site, person, size)
    for path in PAGES[person]:
        go(page, site, path)
        assert page.locator("h1").count() == 1, path
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} px wider than the screen"
        draw(page, person, path, size)
        assert list(violations(page)) == [], path
    page.context.close()
    assert [each for each in errors if "status of 404" not in each] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("person", WRONG)
def test_what_is_wrong_is_said_beside_the_field(
    chromium: Browser, site: Site, person: str, size: str
) -> None:
    require(AXE.exists(), "axe-core")
    page, errors = opened(chromium, site, person, size)
    for path, fields, button in WRONG[person]:
        page.goto(f"{site.url}{path}")
        page.evaluate("document.querySelectorAll('form').forEach(each => each.noValidate = true)")
        for name, value in fields.items():
            page.locator(f"[name='{name}']").fill(value)
        page.get_by_role("button", name=button, exact=True).first.click()
        page.wait_for_load_state()
        page.locator(".error").first.wait_for()
        draw(page, f"{person}-wrong", path, size)
        assert page.locator("[aria-invalid=true]:focus").count() == 1, path
        assert list(violations(page)) == [], path
    page.context.close()
    assert [each for each in errors if "status of 422" not in each] == []


def opened(chromium: Browser, site: Site, person: str, size: str) -> tuple[Page, list[str]]:
    """Return a page of the person, and what its console will have said."""
    width, height = SIZES[size]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme=dark(size),  # type: ignore[arg-type]
        bypass_csp=True,  # for axe alone: the pages themselves load nothing from elsewhere
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    if EMAILS[person]:
        page.goto(f"{site.url}/auth/login")
        sign_in(page, site, EMAILS[person])
        page.wait_for_load_state()
    return page, errors


def go(page: Page, site: Site, path: str) -> None:
    start, pressed = REACHED.get(path, (path, ()))
    page.goto(f"{site.url}{start}")
    for each in pressed:
        page.locator(each).first.click()
        page.wait_for_load_state()


def violations(page: Page) -> Iterator[str]:
    page.add_script_tag(path=str(AXE))
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    for each in found["violations"]:
        yield f"{each['id']}: {each['help']}: {[node['html'][:120] for node in each['nodes'][:3]]}"


def draw(page: Page, person: str, path: str, size: str) -> None:
    folder = os.environ.get("MEDCONSULT_SCREENS")
    if folder:
        name = re.sub(r"[^a-z0-9]+", "-", path).strip("-") or "front"
        page.evaluate("document.querySelectorAll('img').forEach(each => each.loading = 'eager')")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=Path(folder) / f"{person}-{name}-{size}.png", full_page=True)
