"""Payments and what providers told of them, as SQLAlchemy metadata; the migrations make the same."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Index, MetaData, Table, Text, column, func

metadata = MetaData()

payment = Table(
    "payment",
    metadata,
    Column("id", Text(collation="C"), primary_key=True),
    Column("appointment", Text(collation="C"), nullable=False),
    Column("patient", Text(collation="C"), nullable=False),  # "Patient/1"
    Column("provider", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),  # minor units, as all amounts here
    Column("currency", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("email", Text, nullable=False, server_default=""),
    Column("checkout", Text, nullable=False, server_default=""),
    Column("url", Text, nullable=False, server_default=""),
    Column("charge", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False, server_default="open"),
    Column("refund_due", BigInteger, nullable=False, server_default="0"),
    Column("refund_asked", BigInteger, nullable=False, server_default="0"),
    Column("refunded", BigInteger, nullable=False, server_default="0"),
    Column(
        "created", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()
    ),
    Column("paid", DateTime(timezone=True), nullable=True),
    Index("payment_appointment", "appointment"),
    Index(
        "payment_open_once", "appointment", unique=True, postgresql_where=column("status") == "open"
    ),
    Index(
        "payment_to_refund", "id", postgresql_where=column("refund_due") > column("refund_asked")
    ),
)

# The inbox: what a provider told, once each; applied by a job.
payment_event = Table(
    "payment_event",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("id", Text(collation="C"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payment", Text(collation="C"), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("charge", Text, nullable=False, server_default=""),
    Column(
        "received", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()
    ),
    Column("applied", DateTime(timezone=True), nullable=True),
    Column("outcome", Text, nullable=False, server_default=""),
    Index("payment_event_waiting", "received", postgresql_where=column("applied").is_(None)),
)
