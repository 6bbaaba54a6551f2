"""Signing in and out: what lets one in, what does not, and what an attacker would try."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from time import perf_counter

import pytest
from sqlalchemy import Engine, func, update

from smart_auth import accounts, limits, passwords, sessions
from smart_auth.accounts import Account
from smart_auth.auth import Auth
from smart_auth.hashes import digest
from smart_auth.tables import attempt, session
from tests.smart_auth.accounts.browser import Browser
from tests.smart_auth.accounts.conftest import EMAIL, PASSWORD


def test_the_right_password_signs_in(browser: Browser, ada: Account) -> None:
    answer = browser.sign_in(" ADA@example.org", PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Ada Lovelace" in browser.get("/auth/account").text


def test_a_wrong_password_does_not_and_the_input_is_kept(browser: Browser, ada: Account) -> None:
    answer = browser.sign_in(EMAIL, "violet anchor teapots")
    assert answer.status_code == 422
    assert browser.session is None
    assert 'value="ada@example.org"' in answer.text
    assert "is not right" in answer.text
    assert "violet" not in answer.text


def test_nobody_sees_an_account_page_without_signing_in(browser: Browser) -> None:
    answer = browser.get("/auth/account/password?x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/auth/login?next=%2Fauth%2Faccount%2Fpassword%3Fx%3D1"


def test_one_comes_back_to_where_one_wanted(browser: Browser, ada: Account) -> None:
    answer = browser.sign_in(EMAIL, PASSWORD, next="/auth/account/password")
    assert answer.headers["location"] == "/auth/account/password"


def test_the_way_to_an_app_goes_by_a_page_of_its_own(browser: Browser, ada: Account) -> None:
    answer = browser.sign_in(EMAIL, PASSWORD, next='/auth/authorize?a="b"')
    assert answer.status_code == 200
    assert 'content="0;url=/auth/authorize?a=&#34;b&#34;"' in answer.text


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "evil.example",
        "",
    ],
)
def test_next_leads_to_no_other_place(where: str, browser: Browser, ada: Account) -> None:
    assert sessions.local(where) == "/"
    answer = browser.sign_in(EMAIL, PASSWORD, next=where)
    assert answer.headers["location"] == "/"


def test_a_session_that_was_planted_is_worth_nothing(browser: Browser, ada: Account) -> None:
    browser.cookies.set("session", "planted", domain="localhost.local", path="/")
    browser.sign_in(EMAIL, PASSWORD)
    thief = Browser(browser.auth)
    thief.cookies.set("session", "planted")
    assert thief.get("/auth/api/session").status_code == 401
    assert browser.session != "planted"


def test_signing_in_again_ends_the_session_before(browser: Browser, ada: Account) -> None:
    browser.json("/auth/api/login", {"email": EMAIL, "password": PASSWORD})
    first = browser.session
    browser.json("/auth/api/login", {"email": EMAIL, "password": PASSWORD})
    assert browser.session != first
    old = Browser(browser.auth)
    old.cookies.set("session", first or "")
    assert old.get("/auth/api/session").status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(secure: Auth, ada: Account) -> None:
    answer = Browser(secure).sign_in(EMAIL, PASSWORD)
    cookie = next(
        each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-session=")
    )
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_over_http_the_cookie_has_its_plain_name(browser: Browser, ada: Account) -> None:
    cookies = browser.sign_in(EMAIL, PASSWORD).headers.get_list("set-cookie")
    assert any(each.startswith("session=") and "HttpOnly" in each for each in cookies)


def test_only_a_hash_of_the_cookie_is_stored(
    browser: Browser, ada: Account, engine: Engine
) -> None:
    browser.sign_in(EMAIL, PASSWORD)
    with engine.connect() as connection:
        stored = connection.execute(session.select()).one()
    assert stored.hash == digest(browser.session or "")
    assert browser.session not in str(stored)


def test_signing_out_ends_the_session(browser: Browser, ada: Account) -> None:
    browser.sign_in(EMAIL, PASSWORD)
    secret = browser.session or ""
    assert browser.get("/auth/logout").status_code == 200
    assert browser.get("/auth/api/session").status_code == 200, "a link alone signs nobody out"
    browser.submit("/auth/logout", {})
    browser.cookies.set("session", secret)
    assert browser.get("/auth/api/session").status_code == 401


def test_a_session_ends_with_its_time(browser: Browser, ada: Account, engine: Engine) -> None:
    browser.sign_in(EMAIL, PASSWORD)
    with engine.begin() as connection:
        connection.execute(update(session).values(expires=func.clock_timestamp()))
    assert browser.get("/auth/api/session").status_code == 401


def test_a_closed_account_is_out_at_once_and_stays_out(
    browser: Browser, ada: Account, engine: Engine
) -> None:
    browser.sign_in(EMAIL, PASSWORD)
    with engine.begin() as connection:
        accounts.disable(connection, ada.id)
    assert browser.get("/auth/api/session").status_code == 401
    assert "is closed" in browser.sign_in(EMAIL, PASSWORD).text
    with engine.begin() as connection:
        accounts.enable(connection, ada.id)
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 303


# Forged forms and framed pages


def test_a_form_without_what_the_page_gave_is_refused(browser: Browser, ada: Account) -> None:
    form = {"email": EMAIL, "password": PASSWORD}
    answer = browser.post("/auth/login", form)
    assert answer.status_code == 403
    assert "too old" in answer.text
    assert browser.session is None


def test_a_form_of_another_browser_is_refused(browser: Browser, auth: Auth, ada: Account) -> None:
    theirs = Browser(auth).get("/auth/login").text
    token = re.search(r'name="csrf" value="(\w+)"', theirs)
    assert token
    browser.get("/auth/login")
    form = {"email": EMAIL, "password": PASSWORD, "csrf": token.group(1)}
    assert browser.post("/auth/login", form).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}],
)
def test_what_another_site_sends_is_refused(
    headers: dict[str, str], browser: Browser, ada: Account
) -> None:
    content = {"email": EMAIL, "password": PASSWORD}
    assert browser.json("/auth/api/login", content, headers=headers).status_code == 403
    own = {"Sec-Fetch-Site": "same-origin"}
    assert browser.json("/auth/api/login", content, headers=own).status_code == 200


def test_the_json_api_takes_no_forms(browser: Browser, ada: Account) -> None:
    content = b'{"email": "ada@example.org", "password": "violet anchor teapot"}'
    answer = browser.send(
        "POST", "/auth/api/login", content=content, headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "path", ["/auth/login", "/auth/register", "/auth/recover", "/auth/verify?token=x"]
)
def test_pages_cannot_be_framed_or_scripted(path: str, browser: Browser) -> None:
    answer = browser.get(path)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script>|style=|<style|onclick", answer.text)


def test_what_one_typed_is_never_markup(browser: Browser) -> None:
    nasty = '"><script>alert(1)</script>@example.org'
    answer = browser.sign_in(nasty, "x")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("name", ["tokens.css", "auth.css", "passkeys.js"])
def test_static_files_are_there(name: str, browser: Browser) -> None:
    assert browser.get(f"/auth/static/{name}").status_code == 200


@pytest.mark.parametrize("name", ["..%2Fkeys.py", "keys.py", "%2e%2e/keys.py", "", "nothing.css"])
def test_no_other_file_is_served(name: str, browser: Browser) -> None:
    assert browser.get(f"/auth/static/{name}").status_code == 404


# Enumeration and brute force


def test_an_unknown_address_is_answered_like_a_wrong_password(
    browser: Browser, ada: Account
) -> None:
    known = browser.json("/auth/api/login", {"email": EMAIL, "password": "x"})
    unknown = browser.json("/auth/api/login", {"email": "no@example.org", "password": "x"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


def test_an_unknown_address_takes_as_long_as_a_wrong_password(ada: Account) -> None:
    passwords.verify(None, "x")

    def took(stored: str | None) -> float:
        began = perf_counter()
        assert not passwords.verify(stored, "x")
        return perf_counter() - began

    known = median(took(ada.password) for _ in range(9))
    unknown = median(took(None) for _ in range(9))
    assert 0.5 < known / unknown < 2


def tries(browser: Browser, count: int, email: str = EMAIL) -> Iterator[int]:
    for _ in range(count):
        yield browser.json("/auth/api/login", {"email": email, "password": "x"}).status_code


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_who_guesses_has_to_wait_longer_and_longer(
    email: str, browser: Browser, ada: Account
) -> None:
    assert list(tries(browser, limits.FREE, email)) == [401] * limits.FREE
    answer = browser.json("/auth/api/login", {"email": email, "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= limits.FIRST_WAIT
    assert "Wait" in answer.json()["message"]
    page = browser.sign_in(email, PASSWORD)
    assert page.status_code == 429
    assert "retry-after" in page.headers


def test_waiting_grows_to_a_quarter_of_an_hour_and_no_further() -> None:
    waits = [limits.wait_after(limits.FREE + more) for more in range(9)]
    assert waits == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    assert limits.wait_after(limits.FREE - 1) == 0


def test_after_the_wait_the_right_password_is_good(
    browser: Browser, ada: Account, engine: Engine
) -> None:
    list(tries(browser, limits.FREE))
    earlier(engine, limits.FIRST_WAIT + 1)
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 303
    assert list(tries(Browser(browser.auth), 1)) == [401], "and the count begins anew"


def test_an_attacker_does_not_lock_the_owner_out_of_their_own_browser(
    browser: Browser, auth: Auth, ada: Account
) -> None:
    browser.sign_in(EMAIL, PASSWORD)
    list(tries(Browser(auth, "198.51.100.1"), limits.FREE))
    assert Browser(auth).sign_in(EMAIL, PASSWORD).status_code == 429
    browser.submit("/auth/logout", {})
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 303


def test_a_browser_known_for_one_account_gains_nothing_for_another(
    browser: Browser, auth: Auth, ada: Account, engine: Engine
) -> None:
    with engine.begin() as connection:
        accounts.create(
            connection, "eve@example.org", "patient", "", "Eve", password=PASSWORD, verified=True
        )
    browser.sign_in("eve@example.org", PASSWORD)
    list(tries(Browser(auth), limits.FREE))
    assert list(tries(browser, 1)) == [429]


def test_an_address_that_tries_many_accounts_has_to_wait(
    auth: Auth, ada: Account, engine: Engine
) -> None:
    with engine.begin() as connection:
        for _ in range(60):
            limits.allow(connection, "login address 198.51.100.9", 60, 900)
    assert list(tries(Browser(auth, "198.51.100.9"), 1, "z@example.org")) == [429]
    assert list(tries(Browser(auth, "198.51.100.8"), 1, "z@example.org")) == [401]


def test_only_a_proxy_on_this_machine_says_whom_it_speaks_for(
    auth: Auth, ada: Account, engine: Engine
) -> None:
    told = {"X-Forwarded-For": "10.0.0.1, 192.0.2.5"}
    content = {"email": EMAIL, "password": "x"}
    for address in ("127.0.0.1", "198.51.100.9"):
        Browser(auth, address).json("/auth/api/login", content, headers=told)
    with engine.connect() as connection:
        names = set(connection.execute(attempt.select()).scalars())
    assert {"login address 192.0.2.5", "login address 198.51.100.9"} <= names
    assert "login address 10.0.0.1" not in names


def test_attempts_at_the_same_time_are_all_counted(engine: Engine) -> None:
    with engine.begin() as connection:
        waits = [limits.begin(connection, "n") for _ in range(limits.FREE + 1)]
    assert waits[:-1] == [0] * limits.FREE
    assert waits[-1] > 0


def earlier(engine: Engine, seconds: int) -> None:
    """Let it be so many seconds later."""
    with engine.begin() as connection:
        connection.execute(
            update(attempt).values(at=attempt.c.at - func.make_interval(0, 0, 0, 0, 0, 0, seconds))
        )


# Bad input


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b"[" * 10_000),
        ("application/json", b'{"email": "\\u0000", "password": "x"}'),
        ("application/json", b'{"email": {"a": 1}, "password": ["x"]}'),
        ("application/json", b'{"email": "\\ud800", "password": "\\ud800"}'),
        ("application/json", b"\xff"),
        ("text/plain", b"{}"),
    ],
)
def test_a_broken_body_is_refused_in_words(kind: str, body: bytes, browser: Browser) -> None:
    answer = browser.send("POST", "/auth/api/login", content=body, headers={"Content-Type": kind})
    assert 400 <= answer.status_code < 500
    assert answer.json().get("detail") or answer.json().get("message")


@pytest.mark.parametrize("body", [b"a=%00", b"a=%ff", b"a=1&" * 1000, b"x" * 70_000, b""])
def test_a_broken_form_is_no_error_of_ours(body: bytes, browser: Browser) -> None:
    for path in ("login", "register", "recover", "verify", "second-factor", "logout"):
        answer = browser.send(
            "POST",
            f"/auth/{path}",
            content=body,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code < 500, path


def test_the_session_says_who_is_signed_in(browser: Browser, ada: Account) -> None:
    assert browser.get("/auth/api/session").json()["error"] == "signed_out"
    login = browser.json("/auth/api/login", {"email": EMAIL, "password": PASSWORD}).json()
    shown = browser.get("/auth/api/session").json()
    assert shown["email"] == login["email"] == EMAIL
    assert "password" not in shown
    assert browser.send("POST", "/auth/api/logout").status_code == 204
    assert browser.get("/auth/api/session").status_code == 401


def test_without_demo_mode_mails_are_not_shown(auth: Auth) -> None:
    strict = replace(auth, options=replace(auth.options, demo=False))
    assert Browser(strict).get("/demo/mail").status_code == 404
    assert Browser(auth).get("/demo/mail").status_code == 200
