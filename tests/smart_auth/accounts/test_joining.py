"""Registration, confirming an address, and a new password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, update

from fhir_server.codec import decode
from smart_auth import accounts, recovery
from smart_auth.accounts import Account, Refused
from smart_auth.auth import Auth
from smart_auth.tables import mail_link
from tests.smart_auth.accounts.browser import Browser, link_in
from tests.smart_auth.accounts.conftest import EMAIL, PASSWORD, Mails

NEW = "nine copper lanterns"
JOINING = {
    "given": "Grace",
    "family": "Hopper",
    "birth_date": "1980-12-09",
    "email": "Grace@example.org",
    "password": PASSWORD,
}


def account(engine: Engine, email: str) -> Account:
    with engine.connect() as connection:
        found = accounts.find(connection, email=email)
    assert found
    return found


def register(browser: Browser, **changed: str) -> None:
    answer = browser.submit("/auth/register", {**JOINING, **changed})
    assert answer.status_code == 200, answer.text
    assert "Look into your mailbox" in answer.text


# Registration


def test_a_patient_makes_an_account_confirms_it_and_is_in(
    browser: Browser, mails: Mails, engine: Engine, auth: Auth
) -> None:
    register(browser)
    [mail] = mails()
    assert mail.recipient == "grace@example.org"
    answer = browser.submit(link_in(mail.text), {"password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    made = account(engine, "grace@example.org")
    assert made.verified
    assert browser.get("/auth/api/session").json()["fhirUser"] == made.fhir_user
    stored = auth.store.reading(lambda repository: repository.read(*made.fhir_user.split("/")))
    patient = decode((stored.content or "").encode())
    assert patient["name"] == [{"use": "official", "family": "Hopper", "given": ["Grace"]}]
    assert patient["birthDate"] == "1980-12-09"
    assert made.registration is None


def test_there_is_no_patient_before_the_address_is_confirmed(
    browser: Browser, engine: Engine
) -> None:
    register(browser)
    assert account(engine, "grace@example.org").fhir_user == ""
    answer = browser.sign_in("grace@example.org", PASSWORD)
    assert "Confirm your e-mail address first" in answer.text
    assert browser.session is None


def test_the_link_alone_does_not_confirm(browser: Browser, mails: Mails, engine: Engine) -> None:
    register(browser)
    path = link_in(mails()[0].text)
    answer = browser.submit(path, {"password": NEW})
    assert answer.status_code == 422
    assert not account(engine, "grace@example.org").verified
    assert browser.submit(path, {"password": PASSWORD}).status_code == 303


def test_a_link_is_good_once(browser: Browser, mails: Mails) -> None:
    register(browser)
    path = link_in(mails()[0].text)
    browser.submit(path, {"password": PASSWORD})
    answer = browser.get(path)
    assert answer.status_code == 410
    assert "no longer good" in answer.text


def test_a_link_expires(browser: Browser, mails: Mails, engine: Engine) -> None:
    register(browser)
    with engine.begin() as connection:
        connection.execute(update(mail_link).values(expires=func.clock_timestamp()))
    assert browser.get(link_in(mails()[0].text)).status_code == 410


def test_only_the_newest_link_is_good(browser: Browser, mails: Mails) -> None:
    register(browser)
    register(browser, password=NEW)
    newer, older = mails()
    assert browser.get(link_in(older.text)).status_code == 410
    assert browser.submit(link_in(newer.text), {"password": NEW}).status_code == 303


def test_a_taken_address_is_answered_like_a_free_one(
    browser: Browser, ada: Account, mails: Mails
) -> None:
    taken = browser.json("/auth/api/register", {**JOINING, "email": EMAIL})
    free = browser.json("/auth/api/register", JOINING)
    assert taken.status_code == free.status_code == 202
    said = [
        answer.json()["message"].replace(answer_to, "")
        for answer, answer_to in ((taken, EMAIL), (free, "grace@example.org"))
    ]
    assert said[0] == said[1]
    to = {mail.recipient: mail.subject for mail in mails()}
    assert to[EMAIL] == "You already have an account"
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 303, "and theirs is as it was"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("given", " ", "your name"),
        ("family", "", "your name"),
        ("birth_date", "", "day you were born"),
        ("birth_date", "9.12.1980", "year-month-day"),
        ("birth_date", "2999-01-01", "not possible"),
        ("birth_date", "1980-02-31", "year-month-day"),
        ("email", "grace", "like name@example.org"),
        ("email", "a@b\nBcc: c@d", "like name@example.org"),
        ("password", "short", "at least 8"),
        ("password", "password123", "common"),
        ("password", "Grace.Hopper1980", "your name"),
        ("password", "grace@example.org", "."),
        ("password", "x" * 257, "at most 256"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    field: str, value: str, words: str, browser: Browser, engine: Engine, mails: Mails
) -> None:
    answer = browser.submit("/auth/register", {**JOINING, field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert words in answer.text.split(f'id="{field}-error">')[1].split("</p>")[0]
    assert answer.text.count("autofocus") == 1
    assert mails() == []


def test_what_was_typed_is_kept_but_the_password(browser: Browser) -> None:
    page = browser.submit("/auth/register", {**JOINING, "email": "grace"}).text
    assert 'value="Hopper"' in page
    assert PASSWORD not in page


def test_where_registration_is_off_nobody_registers(auth: Auth, mails: Mails) -> None:
    closed = Browser(replace(auth, options=replace(auth.options, registration=False)))
    assert closed.get("/auth/register").status_code == 404
    assert closed.json("/auth/api/register", JOINING).status_code == 404
    assert "/auth/register" not in closed.get("/auth/login").text
    assert mails() == []


def test_one_address_gets_few_mails(browser: Browser, mails: Mails) -> None:
    for _ in range(8):
        register(browser)
    assert len(mails()) == 5


# A new password


def test_who_forgot_the_password_chooses_a_new_one(
    browser: Browser, auth: Auth, ada: Account, mails: Mails
) -> None:
    thief = Browser(auth)
    thief.sign_in(EMAIL, PASSWORD)
    browser.submit("/auth/recover", {"email": EMAIL})
    path = link_in(mails()[0].text)
    answer = browser.submit(path, {"password": NEW})
    assert answer.headers["location"] == "/auth/login?done=password"
    assert thief.get("/auth/api/session").status_code == 401, "all sessions have ended"
    assert browser.sign_in(EMAIL, PASSWORD).status_code == 422
    assert browser.sign_in(EMAIL, NEW).status_code == 303
    assert mails()[0].subject == "Your password was changed"
    assert Browser(auth).get(path).status_code == 410


def test_recovery_says_the_same_of_an_unknown_address(
    browser: Browser, ada: Account, mails: Mails
) -> None:
    known = browser.submit("/auth/recover", {"email": EMAIL})
    unknown = browser.submit("/auth/recover", {"email": "no@example.org"})
    assert known.status_code == unknown.status_code == 200
    assert known.text.replace(EMAIL, "") == unknown.text.replace("no@example.org", "")
    assert [mail.recipient for mail in mails()] == [EMAIL]
    assert unknown.elapsed.total_seconds() >= recovery.LEAST_S


def test_a_weak_new_password_is_refused_and_the_link_stays_good(
    browser: Browser, ada: Account, mails: Mails
) -> None:
    browser.submit("/auth/recover", {"email": EMAIL})
    path = link_in(mails()[0].text)
    assert browser.submit(path, {"password": "ada.lovelace"}).status_code == 422
    assert browser.submit(path, {"password": NEW}).status_code == 303


def test_a_verification_link_sets_no_password(browser: Browser, mails: Mails) -> None:
    register(browser)
    path = link_in(mails()[0].text).replace("/auth/verify", "/auth/recover")
    assert browser.get(path).status_code == 410


def test_nobody_recovers_into_a_registration_that_somebody_else_began(
    browser: Browser, mails: Mails
) -> None:
    register(browser)
    browser.submit("/auth/recover", {"email": "grace@example.org"})
    assert mails()[0].subject == "Your account is not finished"
    assert "token=" not in mails()[0].text


def test_recovery_ends_the_waiting_that_an_attacker_caused(
    browser: Browser, ada: Account, mails: Mails
) -> None:
    wrong = {"email": EMAIL, "password": "x"}
    while browser.json("/auth/api/login", wrong).status_code != 429:
        pass
    browser.submit("/auth/recover", {"email": EMAIL})
    browser.submit(link_in(mails()[0].text), {"password": NEW})
    assert browser.sign_in(EMAIL, NEW).status_code == 303


def test_who_was_invited_chooses_a_password_and_is_in(
    browser: Browser, auth: Auth, engine: Engine, mails: Mails
) -> None:
    with engine.begin() as connection:
        made = accounts.create(
            connection, "osei@example.org", "practitioner", "Practitioner/1", "Dr. Osei"
        )
        recovery.invite(connection, auth, made)
    assert browser.sign_in("osei@example.org", "").status_code == 422, "no password, no way in"
    page = browser.get(link_in(mails()[0].text)).text
    assert "Choose your password" in page
    browser.submit(link_in(mails()[0].text), {"password": NEW})
    assert browser.sign_in("osei@example.org", NEW).status_code == 303


# Accounts


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"role": "king"}, "role"),
        ({"fhir_user": "Practitioner/1"}, "user"),
        ({"fhir_user": "Patient/1/_history/1"}, "user"),
    ],
)
def test_an_account_that_does_not_fit_is_refused(
    changed: Mapping[str, str], field: str, engine: Engine
) -> None:
    good = {"email": EMAIL, "role": "patient", "fhir_user": "Patient/1", "name": "Ada"}
    with engine.begin() as connection, pytest.raises(Refused) as refused:
        accounts.create(connection, **{**good, **changed})
    assert refused.value.field == field


def test_an_address_has_one_account_whatever_its_case(engine: Engine, ada: Account) -> None:
    with engine.begin() as connection:
        with pytest.raises(Refused, match="already"):
            accounts.create(connection, EMAIL.upper(), "patient", "", "Ada")
        assert accounts.find(connection, email=EMAIL.upper()) == ada


def test_a_password_is_stored_as_argon2id_and_never_shown(ada: Account) -> None:
    assert (ada.password or "").startswith("$argon2id$")
    assert "argon2" not in repr(ada)
