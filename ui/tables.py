"""What people chose for the portal, as SQLAlchemy metadata; the migrations make the same."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, MetaData, Table, Text, true

metadata = MetaData()

preference = Table(
    "preference",
    metadata,
    Column("account", Text(collation="C"), primary_key=True),
    Column("zone", Text, nullable=False, server_default=""),  # IANA name
    Column("language", Text, nullable=False, server_default=""),  # BCP 47
    Column("reminders", Boolean, nullable=False, server_default=true()),
)

# Which reminders went out, so that each goes once.
reminder = Table(
    "reminder",
    metadata,
    Column("appointment", Text(collation="C"), primary_key=True),
    Column("start", DateTime(timezone=True), primary_key=True),
    Column("hours", Text, primary_key=True),
)
