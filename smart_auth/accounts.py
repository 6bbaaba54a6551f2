"""Accounts: who may sign in, and which resource is theirs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Engine, and_, exc, func, insert, or_, select, update

from smart_auth import passwords, revocations
from smart_auth.tables import account as table
from smart_auth.tables import session
from smart_auth.wording import later, say

ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "patient": frozenset({"Patient"}),
        "practitioner": frozenset({"Practitioner", "PractitionerRole"}),
        "related-person": frozenset({"RelatedPerson"}),
        "administrator": frozenset({"Person", "Practitioner"}),
    }
)
"""A role, and the types its fhirUser may have."""
_EMAIL = re.compile(r"[^\s@<>(),;:\"\\\[\]\x00-\x1f]{1,64}@[^\s@<>(),;:\"\\\[\]\x00-\x1f]{1,189}")
_FHIR_USER = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9.\-]{1,64}")


class Refused(Exception):
    """What was asked cannot be done; the message is a sentence for the one who asked."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Account:
    """A row of the table `account`."""

    id: str
    email: str
    password: str | None = field(repr=False)
    role: str
    fhir_user: str
    """"Patient/1"; "" until there is one."""
    name: str
    created: datetime
    verified: datetime | None
    disabled: datetime | None
    registration: Mapping[str, Any] | None = field(repr=False)
    totp: bytes | None = field(repr=False)
    totp_confirmed: datetime | None
    totp_step: int

    @property
    def state(self) -> str:
        """One of STATES."""
        return "disabled" if self.disabled else "active" if self.verified else "invited"

    @property
    def second_factor(self) -> bool:
        """Whether a password alone does not sign in."""
        return self.totp is not None and self.totp_confirmed is not None


COLUMNS = [table.c[name] for name in Account.__slots__]


def find(connection: Connection, *, id: str = "", email: str = "") -> Account | None:  # noqa: A002
    """Return the account of this id or e-mail address."""
    condition = table.c.id == id if id else table.c.email == plain(email)
    row = connection.execute(select(*COLUMNS).where(condition)).first()
    return Account(*row) if row else None


def of_users(connection: Connection, users: Iterable[str]) -> list[Account]:
    """Return the accounts that may sign in, of people whose resources these are ("Patient/1")."""
    theirs = table.c.fhir_user.in_(list(users)) & table.c.disabled.is_(None)
    query = select(*COLUMNS).where(theirs, table.c.verified.is_not(None))
    return [Account(*row) for row in connection.execute(query)]


def any_of(engine: Engine) -> bool:
    """Tell whether there is any account."""
    with engine.connect() as connection:
        return connection.execute(select(table.c.id).limit(1)).first() is not None


def create(
    connection: Connection,
    email: str,
    role: str,
    fhir_user: str,
    name: str,
    *,
    password: str | None = None,
    verified: bool = False,
    registration: Mapping[str, Any] | None = None,
) -> Account:
    """Make an account; Refused when the address is taken or anything does not fit.

    Whether the password is a good one is for `passwords.weakness` to say, before.
    """
    refuse_email(email)
    _refuse_role(role, fhir_user)
    row = {
        "id": str(uuid.uuid4()),
        "email": plain(email),
        "role": role,
        "fhir_user": fhir_user,
        "name": name,
        "password": passwords.hashed(password) if password else None,
        "verified": func.clock_timestamp() if verified else None,
        "registration": registration,
    }
    try:
        with connection.begin_nested():
            made = connection.execute(insert(table).values(row).returning(*COLUMNS)).one()
    except exc.IntegrityError:
        raise Refused(
            say("There is an account of %(email)s already.", email=plain(email)), "email"
        ) from None
    return Account(*made)


def plain(email: str) -> str:
    """Return the address as it is stored and compared."""
    return email.strip().lower()


def refuse_email(email: str) -> None:
    if not _EMAIL.fullmatch(plain(email)):
        raise Refused(later("Write an e-mail address, like name@example.org."), "email")


def _refuse_role(role: str, fhir_user: str) -> None:
    if role not in ROLES:
        raise Refused(f"There is no role {role}: write one of {', '.join(ROLES)}.", "role")
    found = _FHIR_USER.fullmatch(fhir_user)
    if fhir_user and (found is None or found.group(1) not in ROLES[role]):
        types = " or ".join(f"{each}/…" for each in sorted(ROLES[role]))
        raise Refused(
            say(
                "An account of role %(role)s points at %(types)s, not at %(user)s.",
                role=role,
                types=types,
                user=fhir_user,
            ),
            "user",
        )


def change(connection: Connection, id_: str, **values: Any) -> None:
    """Set columns of one account."""
    connection.execute(update(table).where(table.c.id == id_).values(**values))


def set_password(connection: Connection, id_: str, password: str) -> None:
    change(connection, id_, password=passwords.hashed(password))


def verify(connection: Connection, id_: str) -> None:
    """Note that the address is theirs; the first time counts."""
    change(connection, id_, verified=func.coalesce(table.c.verified, func.clock_timestamp()))


def disable(connection: Connection, id_: str) -> None:
    """Shut the account; its sessions and the tokens of its apps end at once."""
    change(connection, id_, disabled=func.clock_timestamp())
    _end(connection, id_)


def enable(connection: Connection, id_: str) -> None:
    change(connection, id_, disabled=None)


def set_role(connection: Connection, id_: str, role: str, fhir_user: str) -> None:
    """Give it another role, or another resource as its own; sessions and tokens of before end. Refused."""
    _refuse_role(role, fhir_user)
    if not fhir_user and role != "administrator":
        raise Refused(later("Write whose record is theirs, such as Practitioner/1."), "user")
    change(connection, id_, role=role, fhir_user=fhir_user)
    _end(connection, id_)


def listed(
    connection: Connection, role: str = "", state: str = "", words: str = "", *, most: int
) -> list[Account]:
    """Return accounts by address. state: active, invited (not confirmed yet) or disabled; "" for any."""
    query = select(*COLUMNS).order_by(table.c.email).limit(most)
    if role:
        query = query.where(table.c.role == role)
    if state:
        query = query.where(_STATES[state])
    if words:
        query = query.where(
            or_(
                *(
                    column.icontains(words, autoescape=True)
                    for column in (table.c.email, table.c.name)
                )
            )
        )
    return [Account(*row) for row in connection.execute(query)]


_STATES = {
    "active": and_(table.c.disabled.is_(None), table.c.verified.is_not(None)),
    "invited": and_(table.c.disabled.is_(None), table.c.verified.is_(None)),
    "disabled": table.c.disabled.is_not(None),
}
STATES = tuple(_STATES)


def _end(connection: Connection, id_: str) -> None:
    connection.execute(session.delete().where(session.c.account == id_))
    revocations.revoke(connection, f"account {id_}")
