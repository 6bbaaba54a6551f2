"""Jobs that index anew (pre).

What is stored already was indexed by another release: all of it is queued. The running servers
of the release before know nothing of the table and are not disturbed by it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OF_ANOTHER_RELEASE = (
    "INSERT INTO reindex (what, definition, types)"
    " SELECT 'all', '0', '{}' WHERE EXISTS (SELECT FROM resource)"
)


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "reindex",
        sa.Column("what", sa.Text(collation="C"), nullable=False),
        sa.Column("definition", sa.Text(collation="C"), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("place", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_updated", moment, nullable=True),
        sa.Column("key", sa.BigInteger, nullable=True),
        sa.Column("until", moment, nullable=True),
        sa.Column("done", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("total", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("queued", moment, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("finished", moment, nullable=True),
        sa.PrimaryKeyConstraint("what"),
    )
    op.execute(sa.text(_OF_ANOTHER_RELEASE))


def downgrade() -> None:
    op.drop_table("reindex")
