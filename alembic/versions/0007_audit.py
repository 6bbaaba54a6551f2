"""Who did what with which record (pre)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXTS = (
    *("role", "account", "fhir_user", "name", "client", "token", "interaction"),
    *("type", "resource_id", "query", "address", "request_id"),
)
_REFUSE = """
CREATE FUNCTION audit_is_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of audit are neither changed nor deleted';
END
$$
"""
_TRIGGER = """
CREATE TRIGGER audit_is_for_good BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_is_for_good()
"""


def upgrade() -> None:
    numbers = postgresql.ARRAY(sa.BigInteger)
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("recorded", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Text(collation="C"), nullable=False) for name in _TEXTS),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("keys", numbers, nullable=False),
        sa.Column("patients", numbers, nullable=False),
    )
    op.create_index("audit_recorded", "audit", ["recorded", "id"])
    op.create_index("audit_fhir_user", "audit", ["fhir_user", "recorded"])
    op.create_index("audit_patients", "audit", ["patients"], postgresql_using="gin")
    op.execute(sa.text(_REFUSE))
    op.execute(sa.text(_TRIGGER))


def downgrade() -> None:
    op.drop_table("audit")
    op.execute(sa.text("DROP FUNCTION audit_is_for_good"))
