"""What search needs beside equality: sort values, long dates, texts, what changed (post).

Numbers of parameters grow to 64 bits, so that a composite's can be made of its code. Terms and
ordered rows of before are of another shape: they are emptied here, and the next migration queues
all resources to be indexed anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ORDERED = ("date_index", "number_index", "string_index")
# Columns of the index over values, and what it carries so that a search need not read the table.
_VALUES = {
    "date_index": (["param", "low", "high"], ["key", "long"]),
    "number_index": (["param", "low", "high"], ["key", "system_unit", "unit"]),
    "string_index": (["param", "value"], ["key"]),
}
_VERSIONS = ("resource", "resource_history")


def upgrade() -> None:
    for table in _VERSIONS:
        op.alter_column(table, "ref_params", type_=postgresql.ARRAY(sa.BigInteger))
    for table in _ORDERED:
        op.execute(sa.text(f"TRUNCATE {table}"))
        op.alter_column(table, "param", type_=sa.BigInteger)
        op.add_column(table, sa.Column("least", sa.Boolean, nullable=False))
        op.add_column(table, sa.Column("most", sa.Boolean, nullable=False))
    op.add_column("date_index", sa.Column("long", sa.Boolean, nullable=False))
    op.create_index(
        "date_index_long", "date_index", ["param", "high"], postgresql_where=sa.text("long")
    )
    op.create_index(
        "number_index_wide",
        "number_index",
        ["param", "high"],
        postgresql_where=sa.text("low <> high"),
    )
    for table, (columns, carried) in _VALUES.items():
        op.drop_index(f"{table}_value")
        op.create_index(f"{table}_value", table, columns, postgresql_include=carried)
    op.create_index(
        "resource_changed", "resource", ["txid"], postgresql_where=sa.text("version > 1")
    )
    op.create_table(
        "text_value",
        sa.Column("param", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
        sa.Column("term", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("param", "value"),
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("secret")
    op.drop_table("text_value")
    op.drop_index("resource_changed")
    for table, (columns, _) in _VALUES.items():
        op.drop_index(f"{table}_value")
        op.create_index(f"{table}_value", table, columns)
    op.drop_index("number_index_wide")
    op.drop_index("date_index_long")
    op.drop_column("date_index", "long")
    for table in _ORDERED:
        op.execute(sa.text(f"TRUNCATE {table}"))
        op.drop_column(table, "most")
        op.drop_column(table, "least")
        op.alter_column(table, "param", type_=sa.Integer)
    for table in _VERSIONS:
        op.execute(sa.text(f"UPDATE {table} SET ref_params = '{{}}'"))
        op.alter_column(table, "ref_params", type_=postgresql.ARRAY(sa.Integer))
