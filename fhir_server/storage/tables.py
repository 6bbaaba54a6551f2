"""The tables, as SQLAlchemy metadata; Alembic's migrations make the same (a test compares).

A resource's row carries the terms it is found by, as a document in a search engine does; only
what has an order (dates, numbers, strings) has tables of its own. See docs/architecture.md.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import UserDefinedType

metadata = MetaData()


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's 64-bit xid8."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


def _columns() -> list[Column[Any]]:
    """Return the columns of a version, current or superseded."""
    return [
        Column("key", BigInteger, nullable=False),
        Column("type", Text(collation="C"), nullable=False),
        Column("id", Text(collation="C"), nullable=False),
        Column("version", Integer, nullable=False),
        Column("last_updated", DateTime(timezone=True), nullable=False),
        Column(
            "txid", TransactionId(), nullable=False, server_default=text("pg_current_xact_id()")
        ),
        Column("method", Text(collation="C"), nullable=False),
        Column("content", Text, nullable=True),
        Column("blob", Text, nullable=True),
        Column("terms", ARRAY(BigInteger), nullable=False),
        Column("ref_params", ARRAY(Integer), nullable=False),
        Column("ref_keys", ARRAY(BigInteger), nullable=False),
    ]


resource = Table(
    "resource",
    metadata,
    *_columns(),
    PrimaryKeyConstraint("key"),
    # The pending list makes writes cheap and is read by every search: keep it short.
    Index(
        "resource_terms",
        "terms",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "on", "gin_pending_list_limit": "1024"},
    ),
    Index("resource_type_updated", "type", "last_updated", "key"),
)

resource_history = Table(
    "resource_history",
    metadata,
    *_columns(),
    PrimaryKeyConstraint("key", "version"),
    Index("resource_history_type_updated", "type", "last_updated", "key"),
)

date_index = Table(
    "date_index",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("param", Integer, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Index("date_index_key", "key"),
    Index("date_index_value", "param", "low", "high"),
)

number_index = Table(
    "number_index",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("param", Integer, nullable=False),
    Column("low", Numeric, nullable=False),
    Column("high", Numeric, nullable=False),
    Column("system_unit", BigInteger, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Index("number_index_key", "key"),
    Index("number_index_value", "param", "low", "high"),
)

string_index = Table(
    "string_index",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("param", Integer, nullable=False),
    Column("value", Text(collation="C"), nullable=False),
    Index("string_index_key", "key"),
    Index("string_index_value", "param", "value"),
)
