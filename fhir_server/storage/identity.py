"""Which database this is, whatever its address."""

from __future__ import annotations

from fhir_server.database import Connection

_IDENTITY = (
    "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())"
    " FROM pg_control_system()"
)


def of_database(connection: Connection) -> str:
    """Return a name that another database, or the same one dropped and made anew, does not have."""
    cluster, number = connection.query(_IDENTITY)[0]
    return f"{cluster}/{number}"
