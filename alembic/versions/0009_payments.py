"""Payments and what providers told of them (pre)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NOW = sa.func.clock_timestamp()


def _text(name: str, default: str | None = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def _id(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), primary_key=primary_key, nullable=False)


def _amount(name: str, default: str | None = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=default)


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    default = _NOW if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not now, server_default=default)


def upgrade() -> None:
    op.create_table(
        "payment",
        _id("id", primary_key=True),
        _id("appointment"),
        _id("patient"),
        _text("provider", None),
        _amount("amount", None),
        _text("currency", None),
        _text("title", None),
        _text("email"),
        _text("checkout"),
        _text("url"),
        _text("charge"),
        _text("status", "open"),
        _amount("refund_due"),
        _amount("refund_asked"),
        _amount("refunded"),
        _moment("created", now=True),
        _moment("paid"),
    )
    op.create_index("payment_appointment", "payment", ["appointment"])
    op.create_index(
        "payment_open_once",
        "payment",
        ["appointment"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "payment_to_refund",
        "payment",
        ["id"],
        postgresql_where=sa.text("refund_due > refund_asked"),
    )
    op.create_table(
        "payment_event",
        sa.Column("provider", sa.Text(), primary_key=True),
        _id("id", primary_key=True),
        _text("kind", None),
        _id("payment"),
        _amount("amount", None),
        _text("currency", None),
        _text("charge"),
        _moment("received", now=True),
        _moment("applied"),
        _text("outcome"),
    )
    op.create_index(
        "payment_event_waiting",
        "payment_event",
        ["received"],
        postgresql_where=sa.text("applied IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("payment_event")
    op.drop_table("payment")
