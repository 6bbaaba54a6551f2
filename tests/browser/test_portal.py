"""The consultation from end to end, as its people go through it: book, approve, pay, hand over, prescribe, check."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site
from tests.browser.test_smart import sign_in

pytestmark = pytest.mark.slow
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
People = Callable[..., Page]


@pytest.fixture
def people(chromium: Browser, site: Site) -> Iterator[People]:
    """Give each person a browser of their own, signed in; what goes to the console as an error fails."""
    errors: list[str] = []
    contexts = []

    def enter(
        email: str, viewport: dict[str, int] | None = None, zone: str = "Europe/Berlin"
    ) -> Page:
        context = chromium.new_context(viewport=viewport or DESKTOP, timezone_id=zone)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if email:
            page.goto(f"{site.url}/auth/login")
            sign_in(page, site, email)
            expect(page.get_by_role("navigation", name="Places")).to_be_visible()
        return page

    yield enter
    for context in contexts:
        context.close()
    assert [each for each in errors if "status of 4" not in each] == []


def test_from_asking_for_a_time_to_a_checked_prescription(people: People, site: Site) -> None:
    visitor = people("")
    visitor.goto(f"{site.url}/doctors")
    expect(visitor.locator(".people li")).to_have_count(12)
    visitor.get_by_role("link", name="Dr. Grace Osei").click()
    expect(visitor.get_by_role("heading", name="Dr. Grace Osei")).to_be_visible()

    patient = people("anna@demo.example")
    expect(patient.get_by_role("heading", name="Your next visit")).to_be_visible()
    patient.goto(f"{site.url}/doctors/demo-osei-video")
    patient.locator("a.slot").last.click()
    patient.get_by_label("What is it about?").fill("I have a headache. 🤕")
    patient.get_by_role("button", name="Ask for it").click()
    expect(patient.get_by_role("heading", name="You asked for this time")).to_be_visible()
    visit = patient.url

    doctor = people("osei@demo.example")
    asked = doctor.locator("[data-request]").filter(has_text="I have a headache. 🤕")
    asked.get_by_role("button", name="Approve").click()
    expect(doctor.get_by_text("I have a headache. 🤕")).to_have_count(0)

    pay(patient, visit)
    hand_over(patient, site)
    write_prescription(doctor, site)
    check_paper(patient, people(""), site)
    read_mails(visitor, site)


def pay(patient: Page, visit: str) -> None:
    patient.goto(visit)
    patient.get_by_role("button", name="Pay 40.00 EUR").click()
    expect(patient.get_by_text("no money is taken")).to_be_visible()
    patient.get_by_role("button", name="Let it fail").click()
    expect(patient.get_by_text("Failed")).to_be_visible()
    patient.get_by_role("button", name="Pay 40.00 EUR").click()
    patient.get_by_role("button", name="Pay 40.00 EUR").click()
    expect(patient.get_by_role("heading", name="Your visit is booked")).to_be_visible()
    with (
        patient.expect_download()
        if False
        else patient.expect_response(re.compile("receipt")) as got
    ):
        patient.get_by_role("link", name="Receipt (PDF)").click()
    assert got.value.headers["content-type"] == "application/pdf"


def hand_over(patient: Page, site: Site) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(
        picture, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
    )
    patient.goto(f"{site.url}/documents")
    for name, content, said in (
        ("page.html", b"<script>alert(1)</script>", "neither a PDF nor a picture"),
        ("rash.jpg", picture.getvalue(), ""),
    ):
        patient.get_by_label("File").set_input_files(
            {"name": name, "mimeType": "image/jpeg", "buffer": content}
        )
        patient.get_by_label("In your words").fill("My arm")
        patient.get_by_role("button", name="Hand it over").click()
        if said:
            expect(patient.locator("#file-error")).to_contain_text(said)
    expect(patient.get_by_text("The document is there")).to_be_visible()
    link = patient.get_by_role("link", name="My arm").first.get_attribute("href") or ""
    shown = patient.request.get(f"{site.url}{link}")
    assert shown.headers["content-type"] == "image/jpeg"
    assert b"Exif" not in shown.body()
    assert patient.request.get(f"{site.url}{link}x").status == 410


def write_prescription(doctor: Page, site: Site) -> None:
    doctor.goto(f"{site.url}/patients/demo-anna")
    expect(doctor.get_by_role("link", name="My arm").first).to_be_visible()
    doctor.get_by_label("New note").fill("Tension headache.")
    doctor.get_by_role("button", name="Save the note").click()
    expect(doctor.get_by_text("Tension headache.")).to_be_visible()
    doctor.get_by_role("link", name="Write a prescription").click()
    doctor.get_by_label("Medicine", exact=True).fill("Ibuprofen 400 mg tablet")
    doctor.get_by_label("Times a day").fill("many")
    doctor.get_by_role("button", name="Read it before signing").click()
    expect(doctor.get_by_text("Write a whole number from 1 to 24.")).to_be_visible()
    expect(doctor.get_by_label("Medicine", exact=True)).to_have_value("Ibuprofen 400 mg tablet")
    doctor.get_by_label("Times a day").fill("2")
    doctor.get_by_role("button", name="Read it before signing").click()
    expect(doctor.get_by_text("1 tablet twice a day for 7 days")).to_be_visible()
    doctor.get_by_role("button", name="Sign and hand it over").click()
    expect(doctor.get_by_text("Ibuprofen 400 mg tablet").first).to_be_visible()


def check_paper(patient: Page, stranger: Page, site: Site) -> None:
    patient.goto(f"{site.url}/prescriptions")
    line = patient.get_by_role("listitem").filter(has_text="Ibuprofen").first
    code = re.search(r"code (\S+)", line.inner_text())
    assert code
    link = line.get_by_role("link", name="Open the PDF").get_attribute("href") or ""
    paper = patient.request.get(f"{site.url}{link}")
    assert paper.body().startswith(b"%PDF-")
    assert stranger.request.get(f"{site.url}{link}").url.startswith(f"{site.url}/auth/login")
    stranger.goto(f"{site.url}/check")
    stranger.get_by_label("Code on the paper").fill(code[1].lower())
    stranger.get_by_role("button", name="Check it").click()
    expect(stranger.get_by_role("heading", name="This prescription is genuine")).to_be_visible()
    expect(stranger.get_by_text("A. B.")).to_be_visible()
    stranger.goto(f"{site.url}/check/AAAA-AAAA-AAAA-AAAA")
    expect(stranger.get_by_role("heading", name="There is no prescription")).to_be_visible()


def read_mails(page: Page, site: Site) -> None:
    for subject in (
        "asks for a visit",
        "said yes: pay to keep your time",
        "The payment did not go through",
        "Your visit with Dr. Grace Osei is booked",
        "There is a new prescription for you",
    ):
        for _ in range(20):
            page.goto(f"{site.url}/demo/mail")
            if page.get_by_role("heading", name=re.compile(subject)).count():
                break
            page.wait_for_timeout(300)
        expect(page.get_by_role("heading", name=re.compile(subject)).first).to_be_visible()


def test_a_newcomer_makes_an_account_and_books(people: People, site: Site) -> None:
    """On a phone: register, confirm the address, come back to the chosen time, book it."""
    page = people("", PHONE, "America/New_York")
    page.goto(f"{site.url}/doctors/demo-haddad-video")
    page.locator("a.slot").first.click()
    page.get_by_role("link", name="Make an account").click()
    page.get_by_label("Given names").fill("Zoë")
    page.get_by_label("Family name").fill("Łukasiewicz-Ölander")
    page.get_by_label("Date of birth").fill("1990-05-17")
    page.get_by_label("E-mail address").fill("zoe@new.example")
    page.get_by_label("Password", exact=True).fill("violet anchor teapot")
    page.get_by_role("button", name="Make the account").click()
    page.goto(f"{site.url}/demo/mail")
    page.locator("pre").filter(has_text="finish making your MedConsult account").first.get_by_role(
        "link"
    ).click()
    page.get_by_label("The password you chose").fill("violet anchor teapot")
    page.get_by_role("button", name="Confirm and sign in").click()
    page.get_by_role("button", name="Use that").click()
    expect(page.get_by_role("button", name="Use that")).to_have_count(0)
    page.get_by_role("link", name="Find a doctor").first.click()
    expect(page.get_by_text("(New York time)").first).to_be_visible()
    page.get_by_role("link", name="Dr. Rania Haddad").click()
    page.locator("a.slot").first.click()
    page.get_by_role("button", name="Book it").click()
    expect(page.get_by_role("heading", name="Your visit is booked")).to_be_visible()
    expect(page.get_by_text("Zoë Łukasiewicz-Ölander").last).to_be_visible()
    page.get_by_text("Cancel this visit").click()
    page.get_by_role("button", name="Cancel the visit").click()
    expect(page.get_by_role("heading", name="This visit was cancelled")).to_be_visible()


def test_an_app_is_opened_from_the_chart(people: People, site: Site) -> None:
    doctor = people("osei@demo.example")
    doctor.goto(f"{site.url}/patients/demo-kofi")
    doctor.get_by_role("link", name="Open an app").click()
    expect(doctor.get_by_role("button", name="Open for")).to_have_count(1)
    doctor.get_by_role("button", name="Open for Kofi Mensah").click()
    expect(doctor.get_by_role("heading", name="Demo app asks for access")).to_be_visible()
    doctor.get_by_role("button", name="Allow").click()
    expect(doctor.get_by_role("heading", name="Kofi Mensah")).to_be_visible()
