"""Whose time is taken, and what others follow (pre)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "occupied",
        sa.Column("appointment", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.BigInteger, nullable=False),
        sa.Column("during", postgresql.TSTZRANGE, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(actor, actor, '[]')"), "&&"),
            (sa.column("during"), "&&"),
            name="occupied_once",
            using="gist",
        ),
    )
    op.create_index("occupied_appointment", "occupied", ["appointment"])
    op.create_index(
        "occupied_until", "occupied", ["until"], postgresql_where=sa.text("until IS NOT NULL")
    )
    op.create_table(
        "outbox",
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_table("occupied")
