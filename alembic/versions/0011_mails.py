"""The language that people read, and which mails hold a link that signs in: those are not kept (pre)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is queued already may hold one.
    op.add_column("mail", sa.Column("secret", sa.Boolean, nullable=False, server_default=sa.true()))
    op.alter_column("mail", "secret", server_default=sa.false())
    op.add_column("preference", sa.Column("language", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("preference", "language")
    op.drop_column("mail", "secret")
