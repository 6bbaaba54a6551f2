"""Contained resources can be searched (pre).

The servers of the release before do not write the table; the next start of this one indexes all
anew, which fills it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from fhir_server.storage.tables import TransactionId

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ORDERED = ("date_index", "number_index", "string_index")


def upgrade() -> None:
    numbers = postgresql.ARRAY(sa.BigInteger)
    op.create_table(
        "contained",
        sa.Column("key", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "txid",
            TransactionId(),
            nullable=False,
            server_default=sa.text("pg_current_xact_id()"),
        ),
        sa.Column("method", sa.Text(collation="C"), nullable=False),
        sa.Column("content", sa.Text, nullable=True),
        sa.Column("blob", sa.Text, nullable=True),
        sa.Column("terms", numbers, nullable=False),
        sa.Column("ref_params", numbers, nullable=False),
        sa.Column("ref_keys", numbers, nullable=False),
        sa.Column("container", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(
        "contained_terms",
        "contained",
        ["terms"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "on", "gin_pending_list_limit": "1024"},
    )
    op.create_index("contained_container", "contained", ["container"])
    op.create_index("contained_type_updated", "contained", ["type", "last_updated", "key"])


def downgrade() -> None:
    for table in _ORDERED:
        op.execute(sa.text(f"DELETE FROM {table} WHERE key IN (SELECT key FROM contained)"))
    op.drop_table("contained")
