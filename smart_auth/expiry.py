"""Rows whose time is over go, a few at a time, whenever others are added."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, Table, delete, func, select, tuple_

_AT_MOST = 100


def forget(connection: Connection, table: Table, after: timedelta = timedelta()) -> None:
    """Delete rows that expired that long ago; those that somebody else deletes are left to them."""
    key = tuple(table.primary_key.columns)
    over = (
        select(*key)
        .where(table.c.expires < func.now() - after)
        .limit(_AT_MOST)
        .with_for_update(skip_locked=True)
    )
    connection.execute(delete(table).where(tuple_(*key).in_(over)))
