"""What a search has seen, as PostgreSQL writes it: the later pages are asked to see the same.

https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
"""

from __future__ import annotations

from fhir_server.database import Connection

_OWN = "SELECT pg_current_xact_id_if_assigned()::text"


def seen(connection: Connection, snapshot: str) -> str:
    """Return the snapshot; within a transaction that has written, with what that wrote."""
    if not snapshot or not connection.in_transaction:
        return snapshot
    own = connection.query(_OWN)[0][0]
    return snapshot if own is None else including(snapshot, int(own))


def including(snapshot: str, own: int) -> str:
    """Return the snapshot "xmin:xmax:running,..." in which this one running transaction is done."""
    first, behind, listed = snapshot.split(":")
    running = [int(each) for each in listed.split(",") if each]
    running += range(int(behind), own)  # begun before it, and not seen
    left = ",".join(str(each) for each in running if each != own)
    return f"{first}:{max(int(behind), own + 1)}:{left}"
