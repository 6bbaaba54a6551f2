"""Each page as every role and as nobody: it is for whom it is for."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.medconsult.test_other_clients import command
from tests.medconsult.test_serve import Serve, serve
from tests.ui.conftest import Portal, Visitor

__all__ = ["serve"]

OWN = ("patient", "carer")
EVERYBODY = ("patient", "carer", "practitioner", "administrator")
PAGES = {
    "/home": OWN,
    "/visits": OWN,
    "/visits/demo-anna-next": ("patient",),
    "/doctors/demo-osei-video/wait": OWN,
    "/documents": OWN,
    "/prescriptions": OWN,
    "/settings": EVERYBODY,
    "/profile": ("patient", "practitioner"),
    "/day": ("practitioner",),
    "/week": ("practitioner",),
    "/hours": ("practitioner",),
    "/patients": ("practitioner",),
    "/patients/demo-anna": ("practitioner",),
    "/patients/demo-anna/prescribe": ("practitioner",),
    "/admin": ("administrator",),
    "/admin/visits": ("administrator",),
    "/admin/offers/demo-osei": ("administrator",),
    "/admin/payments": ("administrator",),
    "/admin/mails": ("administrator",),
    "/admin/accounts": ("administrator",),
}
OPEN = (
    "/",
    "/doctors",
    "/doctors/demo-osei-video",
    "/people/Practitioner/demo-osei/demo-osei-picture",
    "/check",
    "/static/portal.css",
)
CHANGES = {
    "/book/{slot}": OWN,
    "/doctors/demo-osei-video/wait": OWN,
    "/visits/demo-anna-next/cancel": ("patient",),
    "/visits/demo-anna-next/pay": ("patient",),
    "/documents/none/delete": OWN,
    "/profile": ("practitioner",),
    "/profile/picture": ("patient", "practitioner"),
    "/day/answer": ("practitioner",),
    "/day/mark": ("practitioner",),
    "/hours": ("practitioner",),
    "/patients/demo-anna/notes": ("practitioner",),
    "/patients/demo-anna/prescribe": ("practitioner",),
    "/admin/invite": ("administrator",),
    "/admin/offers/demo-osei": ("administrator",),
    "/admin/visits": ("administrator",),
    "/admin/accounts": ("administrator",),
    "/admin/accounts/none/role": ("administrator",),
    "/admin/accounts/none/invite": ("administrator",),
}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_whom_it_is_for(
    portal: Portal, people: dict[str, Visitor], path: str
) -> None:
    nobody = portal.visitor().get(path)
    assert nobody.status_code == 303
    assert nobody.headers["location"].startswith("/auth/login?next=")
    for role, person in people.items():
        status = person.get(path).status_code
        assert status == 200 if role in PAGES[path] else status in (403, 404), role


@pytest.mark.parametrize("path", OPEN)
def test_what_is_for_everybody(portal: Portal, path: str) -> None:
    answer = portal.visitor().get(path)
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", CHANGES)
def test_nobody_changes_what_is_not_theirs_to_change(
    portal: Portal, people: dict[str, Visitor], path: str
) -> None:
    """Without the page's own secret nobody does; with it, only those whom it is for get that far."""
    slot = free_slot(portal)
    at = path.format(slot=slot)
    assert portal.visitor().client.post(at, data={"csrf": ""}).status_code == 303
    for role, person in people.items():
        assert person.client.post(at, data={"csrf": "x"}).status_code == 403, role
        if role not in CHANGES[path]:
            answer = person.post(at, "/settings")
            assert answer.status_code in (403, 404), role


def free_slot(portal: Portal) -> str:
    page = portal.visitor().get("/doctors/demo-berg-video").text
    found = re.search(r"/book/([^\"]+)", page)
    assert found
    return found[1]


def test_a_stranger_sees_no_ones_visit(people: dict[str, Visitor]) -> None:
    for path in (
        "/visits/demo-o1",
        "/visits/demo-o1/receipt/x",
        "/files/x?until=9999999999&sign=x",
    ):
        assert people["patient"].get(path).status_code in (404, 410)
    assert people["practitioner"].get("/patients/demo-p050").status_code in (200, 404)
    answer = people["patient"].post("/visits/demo-o1/cancel", "/settings")
    assert answer.status_code == 404


def test_a_session_that_has_ended_leads_back_to_the_page(portal: Portal) -> None:
    answer = portal.visitor().get("/book/x?y=1")
    assert answer.headers["location"] == "/auth/login?next=%2Fbook%2Fx%3Fy%3D1"


def test_only_a_demo_shows_its_mails_and_places(serve: Serve) -> None:
    """MEDCONSULT_DEMO is on by default: a database that was made without it stays one of real people."""
    first = serve("--workers", "1")
    assert first.url
    user = ["user", "add", "real@test.example", "--role", "administrator", "--password-stdin"]
    assert command(first.folder, *user, said="violet anchor teapot\n").returncode == 0
    first.program.terminate()
    first.program.wait(30)
    again = serve("--workers", "1", MEDCONSULT_DEMO="true")
    for path in ("/demo/mail", "/demo/app", "/demo/room/x", "/styleguide"):
        assert httpx.get(f"{again.url}{path}").status_code == 404, path
    assert httpx.get(f"{again.url}/doctors").status_code == 200
