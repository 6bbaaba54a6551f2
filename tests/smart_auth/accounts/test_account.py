"""What one can do with one's own account: password, second factor, sessions."""

from __future__ import annotations

import re
import time
from base64 import b64decode

import pyotp
import pytest
from sqlalchemy import Engine, func, select, update

from smart_auth import accounts, devices
from smart_auth.accounts import Account
from smart_auth.auth import Auth
from smart_auth.hashes import digest
from smart_auth.tables import account as table
from smart_auth.tables import backup_code, session
from tests.smart_auth.accounts.browser import Browser, hidden
from tests.smart_auth.accounts.conftest import EMAIL, PASSWORD, Mails

NEW = "nine copper lanterns"
FACTOR = "/auth/account/second-factor"


@pytest.fixture
def signed(browser: Browser, ada: Account) -> Browser:
    browser.sign_in(EMAIL, PASSWORD)
    return browser


def turn_on(browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    """Turn the second factor on; returns the app and the backup codes."""
    page = browser.submit(FACTOR, {"password": PASSWORD, "do": "propose"}).text
    secret = re.search(r"<code>(\w+)</code>", page)
    assert secret, page
    app = pyotp.TOTP(secret.group(1))
    # A step before now: the step of now is still to be used. One that ends meanwhile is two before.
    left = 30 - time.time() % 30
    if left < 5:
        time.sleep(left)
    code = app.at(int(time.time()) - 30)
    answer = browser.post(FACTOR, {**hidden(page), "code": code, "do": "confirm"})
    assert answer.status_code == 200, answer.text
    return app, re.findall(r"<li>([\w-]+)</li>", answer.text)


# Password


def test_one_changes_the_password_and_other_devices_are_signed_out(
    signed: Browser, auth: Auth, mails: Mails
) -> None:
    other = Browser(auth)
    other.sign_in(EMAIL, PASSWORD)
    form = {"password": PASSWORD, "new_password": NEW}
    assert signed.submit("/auth/account/password", form).status_code == 303
    assert signed.get("/auth/api/session").status_code == 200
    assert other.get("/auth/api/session").status_code == 401
    assert other.sign_in(EMAIL, PASSWORD).status_code == 422
    assert mails()[0].subject == "Your password was changed"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"password": "x", "new_password": NEW}, "password"),
        ({"password": PASSWORD, "new_password": "12345678"}, "new_password"),
    ],
)
def test_a_password_is_not_changed_without_the_old_or_to_a_weak_one(
    form: dict[str, str], field: str, signed: Browser, auth: Auth
) -> None:
    answer = signed.submit("/auth/account/password", form)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert Browser(auth).sign_in(EMAIL, PASSWORD).status_code == 303


@pytest.mark.parametrize("path", ["password", "second-factor", "sessions", "passkeys"])
def test_no_change_without_what_the_page_gave(path: str, signed: Browser, auth: Auth) -> None:
    form = {"password": PASSWORD, "new_password": NEW, "do": "propose", "end": "all"}
    assert signed.post(f"/auth/account/{path}", form).status_code == 403
    assert Browser(auth).post(f"/auth/account/{path}", form).status_code == 303
    assert signed.get("/auth/api/session").status_code == 200


# Sessions


def test_one_sees_where_one_is_signed_in_and_ends_it_there(signed: Browser, auth: Auth) -> None:
    other = Browser(auth, "198.51.100.77")
    content = {"email": EMAIL, "password": PASSWORD}
    other.json("/auth/api/login", content, headers={"User-Agent": "Netscape 4 <b>"})
    page = signed.get("/auth/account").text
    assert "198.51.100.77" in page
    assert "Netscape 4 &lt;b&gt;" in page
    assert "this browser" in page
    end = re.search(r'name="end" value="(\w{64})"', page)
    assert end
    form = {**hidden(page), "end": end.group(1)}
    assert signed.post("/auth/account/sessions", form).status_code == 303
    assert other.get("/auth/api/session").status_code == 401
    assert signed.get("/auth/api/session").status_code == 200


def test_nobody_ends_the_session_of_another_account(
    signed: Browser, auth: Auth, engine: Engine
) -> None:
    with engine.begin() as connection:
        accounts.create(
            connection, "eve@example.org", "patient", "", "Eve", password=PASSWORD, verified=True
        )
    eve = Browser(auth)
    eve.sign_in("eve@example.org", PASSWORD)
    own = signed.get("/auth/account").text
    assert "eve@example.org" not in own
    form = {**hidden(eve.get("/auth/account").text), "end": digest(signed.session or "").hex()}
    eve.post("/auth/account/sessions", form)
    assert signed.get("/auth/api/session").status_code == 200


def test_one_signs_out_everywhere(signed: Browser, auth: Auth) -> None:
    other = Browser(auth)
    other.sign_in(EMAIL, PASSWORD)
    signed.submit("/auth/account", {"end": "all"}, to="/auth/account/sessions")
    for browser in (signed, other):
        assert browser.get("/auth/api/session").status_code == 401


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Windows",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.5", "curl/8.5"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_named_as_its_owner_knows_it(agent: str, words: str) -> None:
    assert devices.named(agent) == words


# Second factor


def test_with_a_second_factor_the_password_alone_does_not_sign_in(
    signed: Browser, auth: Auth
) -> None:
    app, _ = turn_on(signed)
    fresh = Browser(auth)
    answer = fresh.sign_in(EMAIL, PASSWORD, next="/auth/account/password")
    assert answer.headers["location"].startswith("/auth/second-factor?next=")
    assert fresh.get("/auth/api/session").status_code == 401
    assert fresh.get("/auth/account").status_code == 303
    half = fresh.session
    answer = fresh.submit(answer.headers["location"], {"code": app.now()})
    assert answer.headers["location"] == "/auth/account/password"
    assert fresh.session != half
    assert fresh.get("/auth/api/session").json()["secondFactor"] is True


def test_a_wrong_code_does_not_sign_in(signed: Browser, auth: Auth) -> None:
    turn_on(signed)
    fresh = Browser(auth)
    where = fresh.sign_in(EMAIL, PASSWORD).headers["location"]
    answer = fresh.submit(where, {"code": "000000"})
    assert answer.status_code == 422
    assert fresh.get("/auth/api/session").status_code == 401


def test_a_code_is_good_once(signed: Browser, auth: Auth) -> None:
    app, _ = turn_on(signed)
    code = app.now()
    sent = {"email": EMAIL, "password": PASSWORD, "code": code}
    assert Browser(auth).json("/auth/api/login", sent).status_code == 200
    assert Browser(auth).json("/auth/api/login", sent).status_code == 401


def test_a_code_of_a_step_before_the_last_one_used_is_refused(signed: Browser, auth: Auth) -> None:
    app, _ = turn_on(signed)
    now = int(time.time())
    later = {"email": EMAIL, "password": PASSWORD, "code": app.at(now + 30)}
    assert Browser(auth).json("/auth/api/login", later).status_code == 200
    earlier = {**later, "code": app.at(now)}
    assert Browser(auth).json("/auth/api/login", earlier).status_code == 401


def test_a_backup_code_signs_in_once(signed: Browser, auth: Auth) -> None:
    _, codes = turn_on(signed)
    assert len(codes) == 10
    sent = {"email": EMAIL, "password": PASSWORD, "code": codes[0].upper()}
    assert Browser(auth).json("/auth/api/login", sent).status_code == 200
    assert Browser(auth).json("/auth/api/login", sent).status_code == 401
    assert "9 backup codes left" in signed.get("/auth/account").text


def test_who_guesses_codes_has_to_wait(signed: Browser, auth: Auth) -> None:
    turn_on(signed)
    sent = {"email": EMAIL, "password": PASSWORD, "code": "000000"}
    fresh = Browser(auth)
    answers = [fresh.json("/auth/api/login", sent).status_code for _ in range(9)]
    assert answers == [401] * 8 + [429]


def test_the_api_says_that_a_code_is_wanted(signed: Browser, auth: Auth) -> None:
    turn_on(signed)
    answer = Browser(auth).json("/auth/api/login", {"email": EMAIL, "password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (401, "second_factor")


def test_neither_the_secret_nor_backup_codes_can_be_read_from_the_database(
    signed: Browser, engine: Engine
) -> None:
    app, codes = turn_on(signed)
    with engine.connect() as connection:
        sealed = connection.execute(select(table.c.totp)).scalar_one()
        hashes = connection.execute(select(backup_code.c.hash)).scalars().all()
    assert app.secret.encode() not in sealed
    assert not {code.encode() for code in codes} & set(hashes)


def test_the_picture_is_an_image_within_the_page(signed: Browser) -> None:
    page = signed.submit(FACTOR, {"password": PASSWORD, "do": "propose"}).text
    image = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert image
    assert b64decode(image.group(1)).startswith(b"<svg")


def test_a_secret_that_is_on_is_not_shown_again(signed: Browser) -> None:
    app, _ = turn_on(signed)
    for do in ("propose", "confirm"):
        page = signed.submit(FACTOR, {"password": PASSWORD, "do": do, "code": "1"}).text
        assert app.secret not in page
        assert "is on" in page


def test_the_second_factor_is_turned_off_by_the_password_only(
    signed: Browser, auth: Auth, mails: Mails
) -> None:
    turn_on(signed)
    assert signed.submit(FACTOR, {"password": "x", "do": "off"}).status_code == 422
    assert signed.submit(FACTOR, {"password": PASSWORD, "do": "off"}).status_code == 303
    assert Browser(auth).sign_in(EMAIL, PASSWORD).headers["location"] == "/"
    subjects = [mail.subject for mail in mails()]
    assert subjects == [
        "Signing in no longer takes a code",
        "Signing in now takes a code",
    ]


def test_new_backup_codes_end_the_old(signed: Browser, auth: Auth) -> None:
    _, old = turn_on(signed)
    page = signed.submit(FACTOR, {"password": PASSWORD, "do": "codes"}).text
    new = re.findall(r"<li>([\w-]+)</li>", page)
    sent = {"email": EMAIL, "password": PASSWORD}
    login = Browser(auth).json
    assert login("/auth/api/login", {**sent, "code": old[0]}).status_code == 401
    assert login("/auth/api/login", {**sent, "code": new[0]}).status_code == 200


def test_a_new_password_does_not_turn_the_second_factor_off(
    signed: Browser, auth: Auth, engine: Engine
) -> None:
    turn_on(signed)
    with engine.begin() as connection:
        accounts.set_password(connection, accounts.find(connection, email=EMAIL).id, NEW)  # type: ignore[union-attr]
    assert "second-factor" in Browser(auth).sign_in(EMAIL, NEW).headers["location"]


def test_half_a_session_ends_soon(signed: Browser, auth: Auth, engine: Engine) -> None:
    app, _ = turn_on(signed)
    fresh = Browser(auth)
    where = fresh.sign_in(EMAIL, PASSWORD).headers["location"]
    form = {**hidden(fresh.get(where).text), "code": app.now()}
    with engine.begin() as connection:
        half = update(session).where(session.c.complete.is_(None))
        connection.execute(half.values(expires=func.clock_timestamp()))
    answer = fresh.post("/auth/second-factor", form)
    assert answer.headers["location"] == "/auth/login"
