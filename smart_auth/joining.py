"""Registration of patients: an account at once, a Patient resource once their address is confirmed."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import structlog
from fastapi import Request
from sqlalchemy import Connection, select

from fhir_server.access.principal import Principal
from fhir_server.codec import body, encode
from fhir_server.errors import FHIRError
from smart_auth import accounts, letters, limits, links, passwords
from smart_auth.accounts import Account, Refused
from smart_auth.auth import Auth
from smart_auth.signing_in import WRONG, Waiting, begin
from smart_auth.tables import account as table
from smart_auth.wording import later, say

FIELDS = ("given", "family", "birth_date", "email", "password")
SENT = later("We have sent an e-mail to %(email)s. Open the link in it to finish.")
OFF = later("Ask the practice for an invitation: accounts cannot be made here.")
ADDRESS_MOST = 100
LONGEST_NAME = 100
OLDEST = date(1900, 1, 1)

log = structlog.get_logger(__name__)


def register(auth: Auth, request: Request, values: Mapping[str, str]) -> dict[str, str]:
    """Take a registration; returns sentences by field, none when it was taken.

    The answer is the same when there is an account already: its owner gets another mail.
    """
    errors = {name: text for name in FIELDS if (text := _problem(name, values))}
    if errors:
        return errors
    with auth.engine.begin() as connection:
        name = f"register address {limits.address(request)}"
        if wait := limits.allow(connection, name, ADDRESS_MOST, 3600):
            raise Waiting(wait)
    with auth.engine.begin() as connection:
        _take(auth, connection, values)
    return {}


def _take(auth: Auth, connection: Connection, values: Mapping[str, str]) -> None:
    email, password, patient = values["email"], values["password"], resource(values)
    name = f"{_clean(values['given'])} {_clean(values['family'])}"
    found = accounts.find(connection, email=email)
    if found is None:
        found = accounts.create(
            connection, email, "patient", "", name, password=password, registration=patient
        )
        return letters.send_link(connection, auth, found, "verify")
    hashed = passwords.hashed(password)
    if found.verified or found.registration is None:
        return letters.tell(connection, auth, found, "known")
    # Whoever made it never proved that the address is theirs: the newest registration counts.
    accounts.change(connection, found.id, password=hashed, name=name, registration=patient)
    return letters.send_link(connection, auth, found, "verify")


def verify(auth: Auth, secret: str, password: str) -> Account:
    """Confirm the address by the link in the mail and the password that was chosen; Refused otherwise.

    The password too: somebody else may have registered this address, and its owner may open the link.
    """
    with auth.engine.connect() as connection:
        link = links.look(connection, secret, ("verify",))
        account = accounts.find(connection, id=link.account) if link else None
    if account is None:
        raise Refused(later("This link has expired or was used already."), "token")
    begin(auth, f"verify {account.id}", f"verify account {account.id}")
    if not passwords.verify(account.password, password):
        raise Refused(
            later(
                "This is not the password that was chosen. If you did not make this account, "
                "register again to replace it."
            ),
            "password",
        )
    with auth.engine.begin() as connection:
        if links.use(connection, secret, ("verify",)) is None:
            raise Refused(later("This link has expired or was used already."), "token")
        accounts.verify(connection, account.id)
        limits.succeeded(connection, f"verify {account.id}")
    return complete(auth, account.id)


def complete(auth: Auth, account_id: str) -> Account:
    """Make the Patient of a confirmed registration, unless it was made; returns the account."""
    with auth.engine.begin() as connection:
        connection.execute(
            select(table.c.id).where(table.c.id == account_id).with_for_update()
        ).one()
        account = accounts.find(connection, id=account_id)
        if account is None or not account.verified or account.registration is None:
            return account or _gone()
        try:
            made = _make(auth, account, account.registration)
        except FHIRError as error:
            # They are let in all the same; the next time they sign in it is tried again.
            log.warning("registration.unfinished", account=account_id, error=type(error).__name__)
            return account
        accounts.change(connection, account_id, fhir_user=made, registration=None)
        return accounts.find(connection, id=account_id) or _gone()


def _make(auth: Auth, account: Account, registration: Mapping[str, Any]) -> str:
    by = Principal("registration", name=account.name, account=account.id)
    patient = body(encode(registration))
    made = auth.store.acting(by).single(lambda repository: repository.create(patient))
    return f"Patient/{made.id}"


def _gone() -> Account:
    raise Refused(WRONG)


def resource(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the Patient of what somebody said of themselves."""
    name = {"use": "official", "family": _clean(values["family"])}
    return {
        "resourceType": "Patient",
        "active": True,
        "name": [{**name, "given": [_clean(values["given"])]}],
        "telecom": [{"system": "email", "value": accounts.plain(values["email"])}],
        "birthDate": values["birth_date"].strip(),
    }


def _problem(name: str, values: Mapping[str, str]) -> str:
    """Return what is wrong with a field as a sentence, "" when nothing is."""
    value = values.get(name, "")
    match name:
        case "given" | "family":
            return _name_problem(value)
        case "birth_date":
            return _date_problem(value.strip())
        case "email":
            return _email_problem(value)
    known = [values.get(each, "") for each in FIELDS if each != "password"]
    return passwords.weakness(value, known)


def _name_problem(value: str) -> str:
    if not _clean(value):
        return later("Write your name as it stands in your papers.")
    if len(value) > LONGEST_NAME:
        return say(passwords.AT_MOST, most=LONGEST_NAME)
    return ""


def _date_problem(value: str) -> str:
    if not value:
        return later("Fill in the day you were born.")
    try:
        born = date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        born = None
    if born is None:
        return later("Write the date as year-month-day, like 1980-12-31.")
    if not OLDEST <= born <= datetime.now(UTC).date():
        return later("This day is not possible as a date of birth; check the year.")
    return ""


def _email_problem(value: str) -> str:
    try:
        accounts.refuse_email(value)
    except Refused as refused:
        return str(refused)
    return ""


def _clean(value: str) -> str:
    """Return the text without control characters and outer spaces."""
    shown = "".join(each for each in value if unicodedata.category(each) != "Cc")
    return " ".join(shown.split())
