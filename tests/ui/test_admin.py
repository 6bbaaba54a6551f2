"""What an administrator does by the dozen: accounts shut and opened, roles, visits cancelled, mails sent again."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.ui.conftest import EMAILS, Portal, Visitor
from tests.ui.test_access import free_slot

CARER = "elif@demo.example"


def account(admin: Visitor, email: str) -> str:
    page = admin.get(f"/admin/accounts?words={email}").text
    found = re.search(r"/admin/accounts/([0-9a-f-]{36})", page)
    assert found, page
    return found[1]


def test_an_account_is_shut_and_the_undo_opens_it_again(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    admin = people["administrator"]
    carer = portal.signed("carer")
    box = {f"pick-{account(admin, CARER)}": "1"}
    done = admin.post("/admin/accounts", "/admin/accounts", do="disable", **box)
    assert done.status_code == 303
    assert carer.get("/home").status_code == 303, "she is signed in no more"
    page = admin.get(done.headers["location"]).text
    assert "Shut." in page
    assert next(iter(box)) in page
    assert CARER in admin.get("/admin/accounts?state=disabled").text
    assert CARER not in admin.get("/admin/accounts?state=active").text
    assert admin.post("/admin/accounts", "/admin/accounts", do="enable", **box).status_code == 303
    assert CARER in admin.get("/admin/accounts?state=active&role=related-person").text
    people["carer"] = portal.signed("carer")
    assert people["carer"].get("/home").status_code == 200


def test_nobody_shuts_or_demotes_themselves(people: dict[str, Visitor]) -> None:
    admin = people["administrator"]
    own = account(admin, EMAILS["administrator"])
    shut = admin.post("/admin/accounts", "/admin/accounts", do="disable", **{f"pick-{own}": "1"})
    assert (shut.status_code, "your own account" in shut.text) == (422, True)
    page = f"/admin/accounts/{own}"
    role = admin.post(f"{page}/role", page, role="patient", user="Patient/demo-anna")
    assert (role.status_code, "your own role" in role.text) == (422, True)
    nothing = admin.post("/admin/accounts", "/admin/accounts", do="disable")
    assert (nothing.status_code, "Tick the accounts" in nothing.text) == (422, True)


@pytest.mark.parametrize("query", ["role=x", "state=x", "words=%00", "did=x&ids=%22", "words=%25_"])
def test_odd_filters_show_a_page(people: dict[str, Visitor], query: str) -> None:
    assert people["administrator"].get(f"/admin/accounts?{query}").status_code == 200
    assert people["administrator"].get(f"/admin/payments?status={query}").status_code == 200


def test_a_role_is_changed_by_form(portal: Portal, people: dict[str, Visitor]) -> None:
    admin = people["administrator"]
    who = {"given": "Ida", "family": "Falk", "email": "ida@demo.example"}
    assert admin.post("/admin/invite", "/admin", **who).status_code == 303
    page = f"/admin/accounts/{account(admin, 'ida@demo.example')}"
    assert "Invited" in admin.get(page).text
    assert admin.post(f"{page}/invite", page).status_code == 303
    wrong = admin.post(f"{page}/role", page, role="practitioner", user="Patient/demo-anna")
    assert wrong.status_code == 422
    assert "points at Practitioner/" in unescape(wrong.text)
    without = admin.post(f"{page}/role", page, role="patient", user="")
    assert "Write whose record is theirs" in without.text
    assert admin.post(f"{page}/role", page, role="root").status_code == 422
    done = admin.post(f"{page}/role", page, role="administrator", user="")
    assert done.status_code == 303
    assert "ida@demo.example" in admin.get("/admin/accounts?role=administrator").text


def test_visits_are_cancelled_by_the_dozen_once_it_was_said_again(
    portal: Portal, people: dict[str, Visitor]
) -> None:
    admin, patient = people["administrator"], people["patient"]
    visits = [
        patient.post(f"/book/{free_slot(portal)}", "/settings", ask="1").headers["location"]
        for _ in range(2)
    ]
    boxes = {f"pick-{each.rpartition('/')[2]}": "1" for each in visits}
    asked = admin.post("/admin/visits", "/admin/visits", **boxes)
    assert asked.status_code == 200
    assert "Cancel 2 visits?" in asked.text
    assert all("Pay to keep your time" in patient.get(each).text for each in visits), "not yet"
    sure = {"sure": "1", "reason": "The doctor is ill"}
    assert admin.post("/admin/visits", "/admin/visits", **boxes, **sure).status_code == 303
    for each in visits:
        assert "The doctor is ill" in patient.get(each).text
    again = admin.post("/admin/visits", "/admin/visits", **boxes, **sure)
    assert again.status_code == 409
    assert "the visit has changed meanwhile" in again.text
    assert admin.post("/admin/visits", "/admin/visits").status_code == 422


def test_an_administrator_sees_and_ends_the_apps_of_everybody(people: dict[str, Visitor]) -> None:
    admin, patient = people["administrator"], people["patient"]
    made = patient.post(
        "/auth/apps/new",
        "/auth/apps/new",
        client_name="Anna's diary",
        kind="none",
        redirect_uris="https://diary.example/back",
        scope="launch/patient patient/*.rs",
    )
    assert made.status_code == 201
    assert "Anna&#39;s diary" in patient.get("/auth/apps").text
    page = admin.get("/auth/apps").text
    found = re.search(r'Anna&#39;s diary<br><span class="soft"><code>([^<]+)', page)
    assert found, page
    carer = people["carer"].post("/auth/apps/end", "/settings", client_id=found[1])
    assert carer.status_code == 404
    assert admin.post("/auth/apps/end", "/auth/apps", client_id=found[1]).status_code == 303
    assert "diary" not in patient.get("/auth/apps").text
