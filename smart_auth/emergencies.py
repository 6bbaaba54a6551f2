"""Whose records are open to a clinician because they broke the glass."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from smart_auth.tables import break_glass


def opened(connection: Connection, account_id: str) -> frozenset[str]:
    """Return the ids of the patients."""
    still = (
        break_glass.c.account == account_id,
        break_glass.c.expires > func.clock_timestamp(),
        ~break_glass.c.closed,
    )
    rows = connection.execute(select(break_glass.c.patient).where(*still))
    return frozenset(row.patient for row in rows)
