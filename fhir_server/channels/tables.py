"""What waits to be delivered, as SQLAlchemy metadata; Alembic's migrations make the same."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    column,
    false,
    func,
)

metadata = MetaData()

mail = Table(
    "mail",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False, server_default=""),
    Column("calendar", Text, nullable=False, server_default=""),  # iCalendar, RFC 5545
    Column("secret", Boolean, nullable=False, server_default=false()),  # holds a link that signs in
    Column(
        "created", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()
    ),
    Column("due", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent", DateTime(timezone=True), nullable=True),
    Column("failed", DateTime(timezone=True), nullable=True),  # for good
    Column("error", Text, nullable=False, server_default=""),
    Index(
        "mail_due",
        "due",
        postgresql_where=and_(column("sent").is_(None), column("failed").is_(None)),
    ),
)
