"""What people chose: the language they read, the time zone of their times, and whether they are reminded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from fhir_server import instants
from fhir_server.scheduling.offer import zone_of
from smart_auth.sessions import Signed
from ui.portal import Portal, usual_zone
from ui.tables import preference


@dataclass(frozen=True, slots=True)
class Preferences:
    zone: ZoneInfo
    reminders: bool = True
    chosen: bool = False
    """Whether they have chosen the zone."""
    language: str = ""
    """Of LANGUAGES; "" for what their browser asks for."""


def of(portal: Portal, signed: Signed | None) -> Preferences:
    if signed is None:
        return Preferences(zone_of(usual_zone(portal)))
    with portal.auth.engine.connect() as connection:
        return of_account(connection, signed.account.id, usual_zone(portal))


def of_account(connection: Connection, account: str, otherwise: str) -> Preferences:
    query = select(preference.c.zone, preference.c.reminders, preference.c.language)
    row = connection.execute(query.where(preference.c.account == account)).first()
    if row is None:
        return Preferences(zone_of(otherwise))
    zone = zone_of(row.zone or otherwise)
    return Preferences(zone, row.reminders, bool(row.zone), row.language)


def save(connection: Connection, account: str, **values: Any) -> None:
    """Keep what was chosen: zone, language, reminders, or some of them."""
    made = insert(preference).values(account=account, **values)
    connection.execute(made.on_conflict_do_update(index_elements=["account"], set_=values))


def zones() -> list[str]:
    """Return the names to choose from: those with a continent, and UTC."""
    return [
        "UTC",
        *sorted(name for name in instants.zones() if "/" in name and "Etc" not in name),
    ]
