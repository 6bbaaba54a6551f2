"""The tables, as SQLAlchemy metadata; Alembic's migrations make the same (a test compares).

A resource's row carries the terms it is found by, as a document in a search engine does; only
what has an order (dates, numbers, strings) has tables of its own. See docs/architecture.md.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, ExcludeConstraint
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
        Column("ref_params", ARRAY(BigInteger), nullable=False),
        Column("ref_keys", ARRAY(BigInteger), nullable=False),
    ]


def _ends() -> list[Column[Any]]:
    """Return the columns that mark a resource's sort values among several of one parameter."""
    return [Column(name, Boolean, nullable=False) for name in ("least", "most")]


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
    # What was superseded since a search's first page: its later pages show it as it was.
    Index("resource_changed", "txid", postgresql_where=text("version > 1")),
)

# What the current versions contain, one row each, under "Type/id#inner" of the container: in a table
# of its own, so that references, compartments and ordinary searches never meet it.
contained = Table(
    "contained",
    metadata,
    *_columns(),
    Column("container", BigInteger, nullable=False),
    PrimaryKeyConstraint("key"),
    Index(
        "contained_terms",
        "terms",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "on", "gin_pending_list_limit": "1024"},
    ),
    Index("contained_container", "container"),
    Index("contained_type_updated", "type", "last_updated", "key"),
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
    Column("param", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    *_ends(),
    Column("long", Boolean, nullable=False),
    Index("date_index_key", "key"),
    Index("date_index_value", "param", "low", "high", postgresql_include=["key", "long"]),
    # Values of at most a day lie near their low end; the others are searched by their high end.
    Index("date_index_long", "param", "high", postgresql_where=text("long")),
)

number_index = Table(
    "number_index",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("param", BigInteger, nullable=False),
    Column("low", Numeric, nullable=False),
    Column("high", Numeric, nullable=False),
    Column("system_unit", BigInteger, nullable=False),
    Column("unit", BigInteger, nullable=False),
    *_ends(),
    Index("number_index_key", "key"),
    Index(
        "number_index_value",
        *("param", "low", "high"),
        postgresql_include=["key", "system_unit", "unit"],
    ),
    # Numbers lie at their low end; ranges are searched by their high end too.
    Index("number_index_wide", "param", "high", postgresql_where=text("low <> high")),
)

string_index = Table(
    "string_index",
    metadata,
    Column("key", BigInteger, nullable=False),
    Column("param", BigInteger, nullable=False),
    Column("value", Text(collation="C"), nullable=False),
    *_ends(),
    Index("string_index_key", "key"),
    Index("string_index_value", "param", "value", postgresql_include=["key"]),
)

# What `:text` searches: displays repeat in thousands of resources, so each stands here once, and
# the resources carry its term.
text_value = Table(
    "text_value",
    metadata,
    Column("param", BigInteger, nullable=False),
    Column("value", Text(collation="C"), nullable=False),
    Column("term", BigInteger, nullable=False),
    PrimaryKeyConstraint("param", "value"),
)

# Who did what with which record. Rows are only ever added: a trigger refuses all else.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("recorded", DateTime(timezone=True), nullable=False),
    *(
        Column(name, Text(collation="C"), nullable=False)
        for name in (
            *("role", "account", "fhir_user", "name", "client", "token", "interaction"),
            *("type", "resource_id", "query", "address", "request_id"),
        )
    ),
    Column("status", Integer, nullable=False),
    Column("keys", ARRAY(BigInteger), nullable=False),
    Column("patients", ARRAY(BigInteger), nullable=False),
    Index("audit_recorded", "recorded", "id"),
    Index("audit_fhir_user", "fhir_user", "recorded"),
    Index("audit_patients", "patients", postgresql_using="gin"),
)

# Whose time is taken; two rows of one actor never overlap. The number is made a range, since GiST has no
# operator for plain ones without an extension.
occupied = Table(
    "occupied",
    metadata,
    Column("appointment", BigInteger, nullable=False),
    Column("actor", BigInteger, nullable=False),
    Column("during", TSTZRANGE, nullable=False),
    Column("until", DateTime(timezone=True), nullable=True),
    ExcludeConstraint(
        (text("int8range(actor, actor, '[]')"), "&&"),
        (column("during"), "&&"),
        name="occupied_once",
        using="gist",
    ),
    Index("occupied_appointment", "appointment"),
    Index("occupied_until", "until", postgresql_where=text("until IS NOT NULL")),
)

# Versions of what others follow, until they have.
outbox = Table(
    "outbox",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("type", Text(collation="C"), nullable=False),
    Column("id", Text(collation="C"), nullable=False),
    Column("version", Integer, nullable=False),
)

# Keys that this installation made for itself, such as the one that signs page links.
secret = Table(
    "secret",
    metadata,
    Column("name", Text(collation="C"), nullable=False),
    Column("value", LargeBinary, nullable=False),
    PrimaryKeyConstraint("name"),
)

# What has to be indexed anew, and how far that has come.
reindex = Table(
    "reindex",
    metadata,
    Column("what", Text(collation="C"), nullable=False),
    Column("definition", Text(collation="C"), nullable=False),
    Column("types", ARRAY(Text(collation="C")), nullable=False),
    Column("place", Integer, nullable=False, server_default="0"),
    Column("last_updated", DateTime(timezone=True), nullable=True),
    Column("key", BigInteger, nullable=True),
    Column("until", DateTime(timezone=True), nullable=True),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column(
        "queued",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("clock_timestamp()"),
    ),
    Column("finished", DateTime(timezone=True), nullable=True),
    PrimaryKeyConstraint("what"),
)
