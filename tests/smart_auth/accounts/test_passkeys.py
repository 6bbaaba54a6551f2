"""Passkeys, by an authenticator in software against the real verification."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from smart_auth import accounts
from smart_auth.accounts import Account
from smart_auth.auth import Auth
from tests.smart_auth.accounts.authenticator import PRESENT, Authenticator
from tests.smart_auth.accounts.browser import Browser, hidden
from tests.smart_auth.accounts.conftest import EMAIL, ISSUER, PASSWORD, Mails

Credential = dict[str, Any]


@pytest.fixture
def signed(browser: Browser, ada: Account) -> Browser:
    browser.sign_in(EMAIL, PASSWORD)
    return browser


@pytest.fixture
def phone(signed: Browser) -> Authenticator:
    """Give an authenticator whose passkey is Ada's."""
    made = Authenticator(ISSUER)
    assert add(signed, made).status_code == 201
    return made


def csrf(browser: Browser) -> str:
    return str(browser.get("/auth/api/session").json()["csrf"])


def options_to_add(browser: Browser, password: str = PASSWORD) -> httpx.Response:
    content = {"csrf": csrf(browser), "password": password}
    return browser.json("/auth/api/passkey/registration", content)


def add(browser: Browser, phone: Authenticator) -> httpx.Response:
    made = phone.create(options_to_add(browser).json())
    content = {"csrf": csrf(browser), "credential": made, "name": "Phone"}
    return browser.json("/auth/api/passkey", content)


def challenge(browser: Browser) -> dict[str, Any]:
    answer = browser.json("/auth/api/passkey/authentication", {})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def login(browser: Browser, credential: Credential) -> httpx.Response:
    content = {"credential": credential, "next": "/auth/account/password"}
    return browser.json("/auth/api/passkey/login", content)


def test_a_passkey_signs_in_without_a_password(
    phone: Authenticator, auth: Auth, mails: Mails
) -> None:
    fresh = Browser(auth)
    answer = login(fresh, phone.get(challenge(fresh)))
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] == "/auth/account/password"
    assert fresh.get("/auth/api/session").json()["email"] == EMAIL
    assert mails()[0].subject == "A passkey was added"


def test_a_signature_is_good_once(phone: Authenticator, auth: Auth) -> None:
    fresh = Browser(auth)
    credential = phone.get(challenge(fresh))
    cookies = dict(fresh.cookies)
    assert login(fresh, credential).status_code == 200
    thief = Browser(auth)
    thief.cookies.set("challenge", cookies["challenge"])
    assert login(thief, credential).status_code == 401


def test_a_signature_for_another_challenge_is_refused(phone: Authenticator, auth: Auth) -> None:
    fresh = Browser(auth)
    credential = phone.get(challenge(fresh))
    challenge(fresh)
    assert login(fresh, credential).status_code == 401
    assert login(Browser(auth), credential).status_code == 401, "nor without any challenge"


def test_a_key_that_is_not_ours_is_refused(phone: Authenticator, auth: Auth) -> None:
    fresh = Browser(auth)
    asked = challenge(fresh)
    unknown = Authenticator(ISSUER, user=phone.user)
    assert "does not belong" in login(fresh, unknown.get(asked)).json()["message"]
    asked = challenge(fresh)
    forged = Authenticator(ISSUER, id=phone.id, user=phone.user, count=5)
    assert login(fresh, forged.get(asked)).status_code == 401


def test_a_page_of_another_origin_gets_nothing(phone: Authenticator, auth: Auth) -> None:
    fresh = Browser(auth)
    phone.origin = "https://evil.example"
    assert login(fresh, phone.get(challenge(fresh))).status_code == 401


def test_a_device_that_did_not_look_who_holds_it_is_refused(
    phone: Authenticator, auth: Auth
) -> None:
    fresh = Browser(auth)
    phone.flags = PRESENT
    assert login(fresh, phone.get(challenge(fresh))).status_code == 401


def test_a_copied_key_is_noticed_by_its_count(phone: Authenticator, auth: Auth) -> None:
    fresh = Browser(auth)
    assert login(fresh, phone.get(challenge(fresh))).status_code == 200
    phone.count -= 1
    assert login(fresh, phone.get(challenge(fresh))).status_code == 401


def test_a_passkey_is_added_only_by_who_knows_the_password(signed: Browser, auth: Auth) -> None:
    assert options_to_add(signed, "x").status_code == 401
    content = {"csrf": "x", "password": PASSWORD}
    assert signed.json("/auth/api/passkey/registration", content).status_code == 403
    assert Browser(auth).json("/auth/api/passkey/registration", content).status_code == 401


def test_a_challenge_to_sign_in_does_not_add_a_passkey(
    signed: Browser, phone: Authenticator
) -> None:
    options = options_to_add(signed).json()
    other = Authenticator(ISSUER)
    asked = challenge(signed)
    made = other.create({**options, "challenge": asked["challenge"]})
    content = {"csrf": csrf(signed), "credential": made, "name": ""}
    assert signed.json("/auth/api/passkey", content).status_code == 401


def test_a_passkey_belongs_to_one_account(
    signed: Browser, phone: Authenticator, auth: Auth, engine: Engine
) -> None:
    with engine.begin() as connection:
        accounts.create(
            connection, "eve@example.org", "patient", "", "Eve", password=PASSWORD, verified=True
        )
    eve = Browser(auth)
    eve.sign_in("eve@example.org", PASSWORD)
    assert add(eve, phone).status_code == 401


def test_one_removes_a_passkey_and_it_signs_in_no_more(
    signed: Browser, phone: Authenticator, auth: Auth
) -> None:
    page = signed.get("/auth/account").text
    assert "Phone" in page
    form = {**hidden(page), "remove": phone.id.hex()}
    assert signed.post("/auth/account/passkeys", form).status_code == 303
    fresh = Browser(auth)
    assert login(fresh, phone.get(challenge(fresh))).status_code == 401


def test_a_closed_account_has_no_passkeys(
    phone: Authenticator, auth: Auth, ada: Account, engine: Engine
) -> None:
    with engine.begin() as connection:
        accounts.disable(connection, ada.id)
    fresh = Browser(auth)
    assert "closed" in login(fresh, phone.get(challenge(fresh))).json()["message"]


@pytest.mark.parametrize(
    "credential", [{}, {"rawId": 1}, {"rawId": "?"}, {"rawId": "AAAA", "response": []}]
)
def test_broken_credentials_are_refused_in_words(
    credential: Credential, signed: Browser, phone: Authenticator
) -> None:
    challenge(signed)
    answer = login(signed, credential)
    assert answer.status_code == 401
    assert answer.json()["message"]
    options_to_add(signed)
    content = {"csrf": csrf(signed), "credential": credential}
    assert signed.json("/auth/api/passkey", content).status_code == 401


def test_they_are_offered_only_where_browsers_allow_them(auth: Auth, ada: Account) -> None:
    assert "passkeys.js" in Browser(auth).get("/auth/login").text
    by_number = Browser(replace(auth, issuer="http://127.0.0.1:8000"))
    assert "passkeys.js" not in by_number.get("/auth/login").text
    by_number.sign_in(EMAIL, PASSWORD)
    assert "reached by a number" in by_number.get("/auth/account").text
