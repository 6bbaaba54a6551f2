"""What people chose for the portal, and calendar entries in mails (pre)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


# The audit's trigger refuses changes of rows; to empty the whole table is one too.
_FOR_GOOD = """
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_for_good()
"""


def upgrade() -> None:
    op.execute(sa.text(_FOR_GOOD))
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
    op.execute(sa.text("DROP TRIGGER audit_is_not_emptied ON audit"))
    op.drop_column("mail", "calendar")
    op.drop_table("reminder")
    op.drop_table("preference")
