"""Resources, their history, and what has an order (pre: may run while the release before serves)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from fhir_server.storage.tables import TransactionId

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _version_columns() -> list[sa.Column]:
    return [
        sa.Column("key", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("last_updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "txid", TransactionId(), nullable=False, server_default=sa.text("pg_current_xact_id()")
        ),
        sa.Column("method", sa.Text(collation="C"), nullable=False),
        sa.Column("content", sa.Text, nullable=True),
        sa.Column("blob", sa.Text, nullable=True),
        sa.Column("terms", postgresql.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("ref_params", postgresql.ARRAY(sa.Integer), nullable=False),
        sa.Column("ref_keys", postgresql.ARRAY(sa.BigInteger), nullable=False),
    ]


def upgrade() -> None:
    op.create_table("resource", *_version_columns(), sa.PrimaryKeyConstraint("key"))
    op.create_index(
        "resource_terms",
        "resource",
        ["terms"],
        postgresql_using="gin",
        postgresql_with={"fastupdate": "on", "gin_pending_list_limit": "1024"},
    )
    op.create_index("resource_type_updated", "resource", ["type", "last_updated", "key"])
    op.create_table(
        "resource_history", *_version_columns(), sa.PrimaryKeyConstraint("key", "version")
    )
    op.create_index(
        "resource_history_type_updated", "resource_history", ["type", "last_updated", "key"]
    )
    _ordered(
        "date_index", [sa.Column(name, sa.BigInteger, nullable=False) for name in ("low", "high")]
    )
    _ordered(
        "number_index",
        [
            *(sa.Column(name, sa.Numeric, nullable=False) for name in ("low", "high")),
            *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("system_unit", "unit")),
        ],
    )
    _ordered("string_index", [sa.Column("value", sa.Text(collation="C"), nullable=False)])


def _ordered(table: str, values: list[sa.Column]) -> None:
    op.create_table(
        table,
        sa.Column("key", sa.BigInteger, nullable=False),
        sa.Column("param", sa.Integer, nullable=False),
        *values,
    )
    op.create_index(f"{table}_key", table, ["key"])
    indexed = [
        "param",
        *(column.name for column in values if column.name in ("low", "high", "value")),
    ]
    op.create_index(f"{table}_value", table, indexed)


def downgrade() -> None:
    for table in ("string_index", "number_index", "date_index", "resource_history", "resource"):
        op.drop_table(table)
