"""The picture that others see of a person, and what practitioners say of themselves."""

from __future__ import annotations

import io
import re

import httpx
import pytest
from PIL import Image

from tests.ui.conftest import Portal, Visitor
from ui import pictures
from ui.profile import described
from ui.uploads import File, Unacceptable, accepted, portrait


def picture(kind: str = "JPEG", size: tuple[int, int] = (600, 300)) -> bytes:
    """Return a picture that says where it was taken (GPS), lying on its side (orientation 6)."""
    image = Image.new("RGB", size, "#336699")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    made = io.BytesIO()
    image.save(made, kind, exif=exif)
    return made.getvalue()


def send(visitor: Visitor, content: bytes, **more: str) -> httpx.Response:
    fields = {"csrf": visitor.csrf("/settings"), **more}
    files = {"file": ("me.jpg", content, "image/jpeg")} if content else None
    return visitor.client.post("/profile/picture", data=fields, files=files)


def address(page: str) -> str:
    found = re.search(r'src="(/people/[^"]+)"', page)
    assert found, page
    return found[1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_stands_upright_and_tells_no_place(kind: str) -> None:
    kept = accepted(picture(kind))
    with Image.open(io.BytesIO(kept.content)) as image:
        assert image.size == (300, 600)
        assert not dict(image.getexif())
    with Image.open(io.BytesIO(portrait(kept))) as square:
        assert square.size == (pictures.SIDE, pictures.SIDE)


def test_a_letter_is_no_portrait() -> None:
    with pytest.raises(Unacceptable, match="no picture"):
        portrait(File(b"%PDF-1.4", "application/pdf"))


def test_a_practitioners_picture_is_for_everybody_and_a_patients_is_not(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    doctor, patient, nobody = people["practitioner"], people["patient"], portal.visitor()
    before = address(nobody.get("/doctors/demo-osei-video").text)
    assert send(doctor, picture()).status_code == 303
    now = address(nobody.get("/doctors/demo-osei-video").text)
    assert now != before
    answer = nobody.get(now)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert nobody.get(before).status_code == 404, "the one before is gone"
    assert send(patient, picture()).status_code == 303
    own = address(patient.get("/profile").text)
    assert patient.get(own).status_code == 200
    assert doctor.get(own).status_code == 200, "she treats Anna"
    assert own in doctor.get("/patients/demo-anna").text
    assert people["carer"].get(own).status_code == 404
    assert nobody.get(own).status_code == 404
    assert (
        nobody.get(own.replace("/Patient/demo-anna/", "/Practitioner/demo-osei/")).status_code
        == 404
    )
    assert send(patient, b"", do="remove").status_code == 303
    assert patient.get(own).status_code == 404


def test_what_is_no_picture_is_said(people: dict[str, Visitor]) -> None:
    for content, said in (
        (b"", "Choose a file first"),
        (b"%PDF-1.4 x", "no picture"),
        (b"x", "neither"),
    ):
        answer = send(people["patient"], content)
        assert answer.status_code == 422
        assert said in answer.text


def test_what_a_practitioner_says_is_read_by_patients(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    doctor = people["practitioner"]
    said = {"biography": "Listens <first>.", "qualification": "Family doctor", "speaks-tr": "1"}
    assert doctor.post("/profile", "/profile", **said).status_code == 303
    page = portal.visitor().get("/doctors/demo-osei-video").text
    assert "Listens &lt;first&gt;." in page
    assert "Family doctor" in page
    assert "speaks Turkish<" in page


def test_what_the_form_does_not_know_stays() -> None:
    latin = {"coding": [{"system": "urn:ietf:bcp:47", "code": "la"}]}
    degree = {"code": {"text": "PhD"}}
    person = {
        "resourceType": "Practitioner",
        "communication": [latin, {"coding": [{"code": "de"}]}],
        "qualification": [{"code": {"text": "MD"}}, degree],
        "birthDate": "1980-01-01",
    }
    after = described(person, {"qualification": "MBBS", "speaks-en": "1"})
    assert after["communication"][0] == latin
    assert [each["coding"][0]["code"] for each in after["communication"]] == ["la", "en"]
    assert after["qualification"] == [{"code": {"text": "MBBS"}}, degree]
    assert after["birthDate"] == "1980-01-01"
    assert "extension" not in after
