"""Whose time is taken: an exclusion constraint that no door gets past.

https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-EXCLUSION. Each
appointment that takes time has a row for each practitioner and patient in it. A hold ends by itself at
`until`; when its rows are then in somebody's way they are emptied, and `run_out` still tells of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import psycopg2.errors

from fhir_server.codec import Resource
from fhir_server.database import Connection
from fhir_server.errors import Conflict
from fhir_server.extensions import EXTENSION, find
from fhir_server.instants import moment
from fhir_server.search.term import resource_key

HELD_UNTIL = f"{EXTENSION}held-until"
TAKING = frozenset({"pending", "booked", "arrived", "checked-in"})
"""Statuses of an Appointment that take time; `proposed` does while it is held."""
_ACTORS = ("Practitioner/", "PractitionerRole/", "Patient/")

_RELEASE = "DELETE FROM occupied WHERE appointment = ANY(%s::bigint[])"
_OUTDATED = (
    "UPDATE occupied SET during = 'empty' WHERE until < clock_timestamp()"
    " AND actor = ANY(%(actors)s::bigint[]) AND during && tstzrange(%(start)s, %(end)s)"
)
_TAKE = (
    "INSERT INTO occupied SELECT %(appointment)s, a.actor, tstzrange(%(start)s, %(end)s), %(until)s"
    " FROM unnest(%(actors)s::bigint[]) AS a(actor) ORDER BY a.actor"
)
_TAKEN = (
    "SELECT actor, lower(during), upper(during) FROM occupied WHERE actor = ANY(%s::bigint[])"
    " AND during && tstzrange(%s, %s) AND (until IS NULL OR until >= clock_timestamp())"
)
_RUN_OUT = "SELECT DISTINCT appointment FROM occupied WHERE until < clock_timestamp() LIMIT %s"


@dataclass(frozen=True, slots=True)
class Taken:
    """Time that an appointment takes of its actors."""

    actors: dict[int, str]
    """References by their keys."""
    start: datetime
    end: datetime
    until: datetime | None
    """When the hold ends; None for good."""


def write(connection: Connection, key: int, appointment: Resource | None) -> None:
    """Take what time the appointment takes now; Conflict when it is another's. Needs a transaction."""
    connection.query(_RELEASE, ([key],))
    taken = taken_by(appointment) if appointment else None
    if taken is None:
        return
    values = {
        "appointment": key,
        "actors": list(taken.actors),
        "start": taken.start,
        "end": taken.end,
        "until": taken.until,
    }
    connection.query(_OUTDATED, values)
    try:
        connection.query(_TAKE, values)
    except psycopg2.errors.ExclusionViolation as error:
        raise Conflict(_sentence(taken), "Appointment.start", reason="time-taken") from error


def taken_by(appointment: Resource) -> Taken | None:
    """Return the time that it takes; None when it takes none."""
    status, held = appointment.get("status"), held_until(appointment)
    if status not in TAKING and not (status == "proposed" and held):
        return None
    if not {"start", "end"} <= appointment.keys():
        return None
    actors = {
        resource_key(reference): reference
        for each in appointment.get("participant", [])
        if each.get("status") != "declined"
        and (reference := each.get("actor", {}).get("reference", "")).startswith(_ACTORS)
    }
    start, end = moment(appointment["start"]), moment(appointment["end"])
    return Taken(actors, start, end, held) if actors and start < end else None


def held_until(appointment: Resource) -> datetime | None:
    text = find(appointment, HELD_UNTIL).get("valueInstant")
    return moment(text) if text else None


def taken(
    connection: Connection, references: Iterable[str], start: datetime, end: datetime
) -> list[tuple[str, datetime, datetime]]:
    """Return who of these has which time taken within the span."""
    names = {resource_key(each): each for each in references}
    rows = connection.query(_TAKEN, (list(names), start, end))
    return [(names[row[0]], row[1], row[2]) for row in rows]


def run_out(connection: Connection, most: int) -> list[int]:
    """Return the keys of appointments whose hold has ended."""
    return [row[0] for row in connection.query(_RUN_OUT, (most,))]


def _sentence(taken: Taken) -> str:
    who = " or ".join(taken.actors.values())
    return (
        f"The time from {taken.start.isoformat()} to {taken.end.isoformat()} is no longer free: "
        f"{who} has another appointment in it. Choose another time."
    )
