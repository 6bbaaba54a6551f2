"""What people chose for the portal, and calendar entries in mails (pre)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "preference",
        sa.Column("account", sa.Text(collation="C"), primary_key=True),
        sa.Column("zone", sa.Text(), nullable=False, server_default=""),
        sa.Column("reminders", sa.Boolean, nullable=False, server_default=sa.true()),
    )
    op.create_table(
        "reminder",
        sa.Column("appointment", sa.Text(collation="C"), primary_key=True),
        sa.Column("start", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("hours", sa.Text(), primary_key=True),
    )
    op.add_column("mail", sa.Column("calendar", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("mail", "calendar")
    op.drop_table("reminder")
    op.drop_table("preference")
