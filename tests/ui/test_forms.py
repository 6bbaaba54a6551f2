"""What people send by mistake, twice, late or on purpose: each has its sentence, and nothing is lost."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.medconsult.test_other_clients import command
from tests.ui.conftest import Portal, Visitor
from tests.ui.test_access import free_slot

PDF = b"%PDF-1.4 a letter"


def test_the_same_time_twice_and_a_time_that_is_gone(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    slot = free_slot(portal)
    first = people["patient"].post(f"/book/{slot}", "/settings", ask="1")
    assert first.status_code == 303
    again = people["patient"].post(f"/book/{slot}", "/settings", ask="1")
    other = people["carer"].post(
        f"/book/{slot}", "/settings", ask="1", patient="Patient/demo-yusuf"
    )
    for answer in (again, other):
        assert answer.status_code == 409
        assert "The next free times: " in answer.text
        assert 'href="/doctors/demo-berg-video"' in answer.text
    visit = first.headers["location"]
    assert "Pay to keep your time" in people["patient"].get(visit).text
    assert people["patient"].post(f"{visit}/cancel", visit).status_code == 303
    assert people["patient"].post(f"{visit}/cancel", visit).status_code == 409, "pressed twice"
    assert "This visit was cancelled" in people["patient"].get(visit).text


def test_a_carer_books_for_the_child_and_for_nobody_else(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    slot = free_slot(portal)
    stranger = people["carer"].post(
        f"/book/{slot}", "/settings", ask="1", patient="Patient/demo-anna"
    )
    assert stranger.status_code in (403, 404)
    made = people["carer"].post(f"/book/{slot}", "/settings", ask="1", patient="Patient/demo-yusuf")
    assert made.status_code == 303
    assert "Yusuf Demir" in people["carer"].get(made.headers["location"]).text


def upload(visitor: Visitor, name: str, content: bytes, **more: str) -> tuple[int, str]:
    fields = {"csrf": visitor.csrf("/settings"), "description": "x", **more}
    answer = visitor.client.post(
        "/documents", data=fields, files={"file": (name, content, "image/png")}
    )
    error = re.search(r'id="file-error">([^<]*)<', answer.text)
    return answer.status_code, error[1] if error else ""


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pdf", b"", "empty"),
        ("a.png", b"<html><script>alert(1)</script>", "neither a PDF nor a picture"),
        ("a.png", b"\x89PNG\r\n\x1a\nbroken", "neither a PDF nor a picture"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "neither a PDF nor a picture"),
        ("a.pdf", b"%PDF-" + b"x" * (20 * 2**20), "larger than 20 MB"),
        ("", PDF, ""),
    ],
)
def test_a_file_that_is_not_taken_is_said_why(
    people: dict[str, Visitor], name: str, content: bytes, said: str
) -> None:
    status, error = upload(people["patient"], name, content)
    assert status == 422
    assert said in error


def test_a_document_of_ones_own_is_read_and_taken_back(people: dict[str, Visitor]) -> None:
    patient = people["patient"]
    assert upload(patient, "../../\u202eletter.pdf", PDF, description="شكرا 😀")[0] == 303
    page = patient.get("/documents").text
    assert "شكرا 😀" in page
    link = re.search(r'href="(/files/[^"]+)"', page)
    assert link
    answer = patient.get(link[1].replace("&amp;", "&"))
    assert answer.content == PDF
    assert "sandbox" in answer.headers["content-security-policy"]
    assert ".." not in answer.headers["content-disposition"]
    assert people["carer"].get(link[1].replace("&amp;", "&")).status_code == 410, "another session"
    id_ = re.search(r"/documents/([^/]+)/delete", page)
    assert id_
    assert people["carer"].post(f"/documents/{id_[1]}/delete", "/settings").status_code in (
        403,
        404,
    )
    assert patient.post(f"/documents/{id_[1]}/delete", "/settings").status_code == 303
    assert "شكرا 😀" not in patient.get("/documents").text


def test_apps_read_documents_too_and_the_disk_tells_nothing(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    letter = b"%PDF-1.4 about Anna's knee"
    assert upload(people["patient"], "knee.pdf", letter)[0] == 303
    scopes = ("token", "--scope", "patient/*.rs", "--user", "anna@demo.example")
    token = command(portal.server.folder, *scopes).stdout.strip()
    headers = {"authorization": f"Bearer {token}"}
    base = f"{portal.server.url}/fhir"
    found = httpx.get(f"{base}/DocumentReference?_sort=-date&_count=1", headers=headers).json()
    attachment = found["entry"][0]["resource"]["content"][0]["attachment"]
    raw = {**headers, "accept": "application/pdf"}
    assert httpx.get(f"{base}/{attachment['url']}", headers=raw).content == letter
    assert httpx.get(f"{base}/{attachment['url']}").status_code == 401
    kept = [each for each in (portal.server.folder / "var" / "blobs").rglob("*") if each.is_file()]
    assert kept
    assert all(b"knee" not in each.read_bytes() for each in kept)


def test_hours_that_cannot_be_are_said_and_kept_in_the_form(people: dict[str, Visitor]) -> None:
    practitioner = people["practitioner"]
    wrong = practitioner.post("/hours", "/hours", mon="9 to 5", off="tomorrow")
    assert wrong.status_code == 422
    assert "Monday: write spans" in wrong.text
    assert 'value="9 to 5"' in wrong.text
    late = practitioner.post("/hours", "/hours", mon="17:00-09:00")
    assert late.status_code == 422
    good = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-12:00")
    assert practitioner.post("/hours", "/hours", **good, off="2026-12-24").status_code == 303
    assert 'value="2026-12-24"' in practitioner.get("/hours").text


def test_who_was_invited_cannot_be_invited_again(people: dict[str, Visitor]) -> None:
    admin = people["administrator"]
    who = {"given": "Noa", "family": "O'Brien <b>", "email": "noa@demo.example"}
    assert admin.post("/admin/invite", "/admin", **who).status_code == 303
    again = admin.post("/admin/invite", "/admin", **who)
    assert again.status_code == 422
    assert "O&#39;Brien &lt;b&gt;" in again.text
    assert admin.post("/admin/invite", "/admin", email="x").status_code == 422


def test_an_administrator_says_what_somebody_new_offers(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    admin = people["administrator"]
    who = {"given": "Ada", "family": "Newcomer", "email": "ada.newcomer@demo.example"}
    assert admin.post("/admin/invite", "/admin", **who).status_code == 303
    found = re.search(
        r"Dr\. Ada Newcomer</div><a[^>]*href=\"(/admin/offers/[^\"]+)\"", admin.get("/admin").text
    )
    assert found
    page = found[1]
    offer = {
        "service": "First talk",
        "specialty": "Dermatology",
        "booking": "instant",
        "amount": "49,5",
    }
    offer |= {"currency": "EUR", "slot-minutes": "20", "buffer-minutes": "5", "notice-hours": "1"}
    offer |= {"free-hours": "12", "percent": "25", "time-zone": "Europe/Lisbon"}
    for wrong, said in (
        ({"amount": "0"}, "above 0"),
        ({"amount": "x"}, "above 0"),
        ({"slot-minutes": "5"}, "from 15 to 120"),
        ({"percent": "-1"}, "from 0 to 100"),
        ({"service": " "}, "Write what it is called"),
        ({"booking": "maybe"}, "Choose one."),
        ({"time-zone": "Moon/Base"}, "Choose one."),
        ({"meeting": "javascript:alert(1)"}, "begins with https://"),
    ):
        answer = admin.post(page, page, **{**offer, **wrong})
        assert (answer.status_code, said in answer.text) == (422, True), wrong
    assert admin.post(page, page, **offer).status_code == 303
    assert "49.50" in admin.get(page).text
    listed = portal.visitor().get("/doctors?specialty=Dermatology").text
    assert "Dr. Ada Newcomer" in listed
    assert "49.50 EUR · 20 minutes" in listed
    assert admin.post(page, page, **{**offer, "booking": "free"}).status_code == 303
    assert "No fee · 20 minutes" in portal.visitor().get("/doctors?specialty=Dermatology").text


def test_a_patient_says_how_to_be_reached(portal: Portal, people: dict[str, Visitor]) -> None:
    patient = people["patient"]
    wrong = patient.post("/settings/contact", "/settings", phone="call me", city="Łódź")
    assert (wrong.status_code, 'value="Łódź"' in wrong.text) == (422, True)
    said = {
        "phone": "+49 30 123456",
        "line": "Harbour Street 1",
        "city": "Łódź",
        "country": "Poland",
    }
    assert patient.post("/settings/contact", "/settings", **said).status_code == 303
    page = patient.get("/settings").text
    assert all(f'value="{each}"' in page for each in said.values())
    assert patient.post("/settings/contact", "/settings").status_code == 303
    assert "Harbour Street" not in patient.get("/settings").text
    assert people["carer"].post("/settings/contact", "/settings", **said).status_code == 403


def test_an_administrator_sees_who_saw_what(portal: Portal, people: dict[str, Visitor]) -> None:
    people["practitioner"].get("/patients/demo-anna")
    admin = people["administrator"]
    asked = "/auth/access-log?patient=Patient/demo-anna&agent=Practitioner/demo-osei"
    assert "Who saw what" in admin.get(asked).text
    portal.server.wait_for(lambda: "Dr. Grace Osei" in admin.get(asked).text or None)
    assert "Dr. Grace Osei" not in admin.get("/auth/access-log?date=lt2020").text
    assert admin.get("/auth/access-log?date=never").status_code == 400


def test_waiting_for_a_time_that_suits(people: dict[str, Visitor]) -> None:
    patient, page = people["patient"], "/doctors/demo-osei-video/wait"
    assert page in patient.get("/doctors/demo-osei-video").text
    wrong = patient.post(page, page, **{"from": "soon", "until": "", "comment": "My knee 🦵"})
    assert wrong.status_code == 422
    assert "Choose a day." in wrong.text
    assert "My knee 🦵" in wrong.text
    past = patient.post(page, page, **{"from": "2020-01-01", "until": "2020-01-02"})
    assert "has to be today or later" in past.text
    days = [f"{datetime.now(UTC) + timedelta(days=number):%Y-%m-%d}" for number in (0, 20, 60)]
    free = patient.post(page, page, **{"from": days[0], "until": days[1]})
    assert free.status_code == 409
    assert "There is a free time on these days already" in free.text
    made = patient.post(page, page, **{"from": days[2], "until": days[2]})
    assert made.status_code == 303
    visit = made.headers["location"]
    assert "You are on the waiting list" in patient.get(visit).text
    assert "Waiting for a time" in patient.get("/home").text
    assert patient.post(page, page, **{"from": days[2], "until": days[2]}).status_code == 409
    assert patient.post(f"{visit}/cancel", visit).status_code == 303
    assert "This visit was cancelled" in patient.get(visit).text


def test_pages_are_in_the_language_that_was_chosen_or_that_the_browser_likes(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    german = {"accept-language": "de-DE,de;q=0.9,en;q=0.5"}
    page = portal.visitor().client.get("/doctors", headers=german).text
    assert '<html lang="de" dir="ltr">' in page
    assert "Arzt finden" in page
    assert "Uhr" not in page
    assert "(Zeit in Berlin)" in page
    assert "Anmelden" in portal.visitor().client.get("/auth/login", headers=german).text
    carer = people["carer"]
    zone = {"zone": "Europe/Berlin", "reminders": "1"}
    answer = carer.post("/settings", "/settings", language="de", **zone)
    assert "language=de" in answer.headers["set-cookie"]
    assert "Einstellungen" in carer.get("/settings").text
    assert "Ihr Konto" in carer.get("/auth/account").text
    assert "Hier ist nichts" in carer.get("/visits/none").text
    elsewhere = portal.signed("carer")
    assert elsewhere.get("/home").cookies["language"] == "de"
    assert "Ihr Konto" in elsewhere.get("/auth/account").text
    assert carer.post("/settings", "/settings", language="xx", **zone).status_code == 303
    assert "Einstellungen" in carer.get("/settings").text, "there is no such language"
    carer.post("/settings", "/settings", language="en", **zone)
    assert "Settings" in carer.get("/settings").text
