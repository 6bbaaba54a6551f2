"""What people chose: the time zone they read times in, and whether they are reminded."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

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


def of(portal: Portal, signed: Signed | None) -> Preferences:
    if signed is None:
        return Preferences(zone_of(usual_zone(portal)))
    with portal.auth.engine.connect() as connection:
        return of_account(connection, signed.account.id, usual_zone(portal))


def of_account(connection: Connection, account: str, otherwise: str) -> Preferences:
    query = select(preference.c.zone, preference.c.reminders)
    row = connection.execute(query.where(preference.c.account == account)).first()
    if row is None:
        return Preferences(zone_of(otherwise))
    return Preferences(zone_of(row.zone or otherwise), row.reminders, bool(row.zone))


def save(connection: Connection, account: str, zone: str, *, reminders: bool) -> None:
    values = {"zone": zone, "reminders": reminders}
    made = insert(preference).values(account=account, **values)
    connection.execute(made.on_conflict_do_update(index_elements=["account"], set_=values))


def zones() -> list[str]:
    """Return the names to choose from: those with a continent, and UTC."""
    return [
        "UTC",
        *sorted(name for name in available_timezones() if "/" in name and "Etc" not in name),
    ]
