"""The statements that read and write versions of resources: current ones, and the history as a log.

A write is one statement when it is one resource, and a handful when it is a whole bundle. Both are
optimistic: history's primary key (key, version) lets only one of two writers supersede a version,
the other gets a UniqueViolation and is run again. References are checked under FOR KEY SHARE, as
PostgreSQL's own foreign keys are, so a target cannot be deleted meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.database import Connection, Row, Statement
from fhir_server.search.contained import Contained
from fhir_server.search.entry import Entry, StringRow
from fhir_server.search.term import text_term

BATCH = 500


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource."""

    key: int
    type: str
    id: str
    version: int
    last_updated: datetime
    method: str
    """The interaction that made it: POST, PUT, PATCH or DELETE."""
    content: str | None
    """JSON text as a client gets it; None when this version is the deletion."""
    blob: str | None = None
    """Name in the blob store of a Binary's content that is too large for a row."""


@dataclass(frozen=True, slots=True)
class Change:
    """A version to be written in place of version number `supersedes` (0: there is none yet)."""

    version: Version
    entry: Entry
    supersedes: int
    required: Sequence[int] = ()
    """Keys of resources that have to exist for this one to be written."""
    contained: Sequence[Contained] = ()
    """What it contains, and is found by with `_contained`."""
    contained_before: bool = False
    """Whether the superseded version may contain resources."""


COLUMNS = "key, type, id, version, last_updated, method, content, blob"
"""Of a `Version`, in the order of its fields."""
_READ = Statement("read", ("bigint",), f"SELECT {COLUMNS} FROM resource WHERE key = $1")
_VREAD = Statement(
    "vread",
    ("bigint", "int"),
    f"SELECT {COLUMNS} FROM resource WHERE key = $1 AND version = $2 UNION ALL "
    f"SELECT {COLUMNS} FROM resource_history WHERE key = $1 AND version = $2",
)
_LOCK = Statement(
    "lock",
    ("bigint[]",),
    f"SELECT {COLUMNS} FROM resource WHERE key = ANY($1) ORDER BY key FOR NO KEY UPDATE",
)
_LOCK_FOR_DELETE = Statement(
    "lock_for_delete",
    ("bigint[]",),
    "SELECT 1 FROM resource WHERE key = ANY($1) ORDER BY key FOR UPDATE",
)
_MISSING = Statement(
    "missing",
    ("bigint[]",),
    "WITH found AS MATERIALIZED (SELECT key FROM resource WHERE key = ANY($1) "
    "AND content IS NOT NULL ORDER BY key FOR KEY SHARE) "
    "SELECT k FROM unnest($1) AS k WHERE k NOT IN (SELECT key FROM found)",
)
_REFERRERS = Statement(
    "referrers",
    ("bigint[]", "bigint[]", "int"),
    "SELECT type, id FROM resource WHERE terms && $1 AND key <> ALL($2) ORDER BY type, id LIMIT $3",
)

# Parameters of a single write, in order; the ordered rows come as parallel arrays.
_WRITE_TYPES = (
    "bigint", "text", "text", "int", "timestamptz", "text", "text", "text",
    "bigint[]", "bigint[]", "bigint[]",
    "bigint[]", "bigint[]", "bigint[]", "boolean[]", "boolean[]", "boolean[]",
    "bigint[]", "numeric[]", "numeric[]", "bigint[]", "bigint[]", "boolean[]", "boolean[]",
    "bigint[]", "text[]", "boolean[]", "boolean[]",
    "bigint[]", "text[]", "bigint[]",
    "bigint[]", "int",
)  # fmt: skip
WRITTEN = "key, type, id, version, last_updated, method, content, blob, terms, ref_params, ref_keys"
"""Columns of what is written, in the order of BATCH_ROWS."""
_VALUES = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11"
_FOUND = (
    "found AS MATERIALIZED (SELECT 1 FROM resource WHERE key = ANY($32) AND content IS NOT NULL"
    " ORDER BY key FOR KEY SHARE)"
)
_ORDERED = (
    "d AS (INSERT INTO date_index SELECT $1, u.* FROM ok, unnest($12, $13, $14, $15, $16, $17) AS u), "
    "n AS (INSERT INTO number_index SELECT $1, u.* FROM ok, unnest($18, $19, $20, $21, $22, $23, $24) AS u), "
    "s AS (INSERT INTO string_index SELECT $1, u.* FROM ok, unnest($25, $26, $27, $28) AS u), "
    "t AS (INSERT INTO text_value SELECT u.* FROM ok, unnest($29, $30, $31) AS u ON CONFLICT DO NOTHING)"
)
_INSERT = Statement(
    "insert_version",
    _WRITE_TYPES,
    f"WITH {_FOUND}, "
    "ok AS MATERIALIZED (SELECT 1 WHERE $33 = 0 AND (SELECT count(*) FROM found) = cardinality($32)), "
    f"r AS (INSERT INTO resource ({WRITTEN}) SELECT {_VALUES} FROM ok), "
    f"{_ORDERED} SELECT count(*) FROM ok",
)
_UPDATE = Statement(
    "update_version",
    _WRITE_TYPES,
    f"WITH {_FOUND}, "
    "ok AS MATERIALIZED (SELECT 1 WHERE (SELECT count(*) FROM found) = cardinality($32)"
    " AND EXISTS (SELECT FROM resource WHERE key = $1 AND version = $33)), "
    "h AS (INSERT INTO resource_history SELECT resource.* FROM resource, ok WHERE key = $1 RETURNING 1), "
    "dd AS (DELETE FROM date_index USING ok WHERE key = $1), "
    "dn AS (DELETE FROM number_index USING ok WHERE key = $1), "
    "ds AS (DELETE FROM string_index USING ok WHERE key = $1), "
    f"r AS (UPDATE resource SET ({WRITTEN}, txid) = (SELECT {_VALUES}, pg_current_xact_id())"
    " WHERE key = $1 AND EXISTS (SELECT FROM h)), "
    f"{_ORDERED} SELECT count(*) FROM ok",
)

# Whole batches: texts come joined by U+001F, which JSON text and folded strings cannot hold.
BATCH_TYPES = (
    "bigint[]", "text[]", "text[]", "int[]", "timestamptz[]", "text[]", "text", "text[]", "text", "text", "text",
)  # fmt: skip
"""Parameters of BATCH_ROWS."""
BATCH_ROWS = (
    "SELECT k, t, i, v, l, m, c, nullif(b, '-'), e::bigint[], p::bigint[], r::bigint[] FROM unnest("
    "$1, $2, $3, $4, $5, $6, string_to_array($7, E'\\x1f'), $8, string_to_array($9, ';'),"
    " string_to_array($10, ';'), string_to_array($11, ';')) AS u(k, t, i, v, l, m, c, b, e, p, r)"
)
_INSERT_MANY = Statement(
    "insert_many", BATCH_TYPES, f"INSERT INTO resource ({WRITTEN}) {BATCH_ROWS}"
)
_UPDATE_MANY = Statement(
    "update_many",
    BATCH_TYPES,
    "UPDATE resource SET (version, last_updated, method, content, blob, terms, ref_params, ref_keys, txid)"
    " = (n.v, n.l, n.m, n.c, n.b, n.e, n.p, n.r, pg_current_xact_id()) "
    f"FROM ({BATCH_ROWS}) AS n(k, t, i, v, l, m, c, b, e, p, r) WHERE resource.key = n.k",
)
_REINDEX_MANY = Statement(
    "reindex_many",
    ("bigint[]", "text", "text", "text"),
    "UPDATE resource SET (terms, ref_params, ref_keys) = (n.e::bigint[], n.p::bigint[], n.r::bigint[])"
    " FROM unnest($1, string_to_array($2, ';'), string_to_array($3, ';'), string_to_array($4, ';'))"
    " AS n(k, e, p, r) WHERE resource.key = n.k",
)
_ARCHIVE_MANY = Statement(
    "archive_many",
    ("bigint[]",),
    "INSERT INTO resource_history SELECT * FROM resource WHERE key = ANY($1)",
)
_FORGET_MANY = Statement(
    "forget_many",
    ("bigint[]",),
    "WITH d AS (DELETE FROM date_index WHERE key = ANY($1)), "
    "n AS (DELETE FROM number_index WHERE key = ANY($1)) "
    "DELETE FROM string_index WHERE key = ANY($1)",
)
_DATES_MANY = Statement(
    "dates_many",
    ("bigint[]", "bigint[]", "bigint[]", "bigint[]", "boolean[]", "boolean[]", "boolean[]"),
    "INSERT INTO date_index SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)",
)
_NUMBERS_MANY = Statement(
    "numbers_many",
    (
        "bigint[]",
        "bigint[]",
        "numeric[]",
        "numeric[]",
        "bigint[]",
        "bigint[]",
        "boolean[]",
        "boolean[]",
    ),
    "INSERT INTO number_index SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)",
)
_STRINGS_MANY = Statement(
    "strings_many",
    ("bigint[]", "bigint[]", "text", "boolean[]", "boolean[]"),
    "INSERT INTO string_index SELECT * FROM unnest($1, $2, string_to_array($3, E'\\x1f'), $4, $5)",
)
_TEXTS_MANY = Statement(
    "texts_many",
    ("bigint[]", "text", "bigint[]"),
    "INSERT INTO text_value SELECT * FROM unnest($1, string_to_array($2, E'\\x1f'), $3)"
    " ON CONFLICT DO NOTHING",
)


def read(connection: Connection, key: int) -> Version | None:
    """Return the current version, a deletion included."""
    rows = connection.run(_READ, key)
    return Version(*rows[0]) if rows else None


def vread(connection: Connection, key: int, version: int) -> Version | None:
    rows = connection.run(_VREAD, key, version)
    return Version(*rows[0]) if rows else None


def lock(connection: Connection, keys: Iterable[int]) -> list[Version]:
    """Return current versions, which nobody else can change before this transaction ends."""
    return [Version(*row) for row in connection.run(_LOCK, array(keys))]


def lock_for_delete(connection: Connection, keys: Iterable[int]) -> None:
    """Keep others from referring to these resources before this transaction ends."""
    connection.run(_LOCK_FOR_DELETE, array(keys))


def missing(connection: Connection, keys: Iterable[int]) -> set[int]:
    """Return those of the keys under which no resource exists; the others stay until the transaction ends."""
    return {row[0] for row in connection.run(_MISSING, array(keys))}


def referrers(
    connection: Connection, keys: Iterable[int], besides: Iterable[int], limit: int
) -> list[Row]:
    """Return (type, id) of resources that refer to one of the keys."""
    return connection.run(_REFERRERS, array(keys), array(besides), limit)


def write(connection: Connection, change: Change) -> bool:
    """Write one version; False when what it supersedes or requires is not there (any more)."""
    statement = _UPDATE if change.supersedes else _INSERT
    entry = change.entry
    rows = connection.run(
        statement,
        *_version_values(change.version),
        array(entry.terms),
        array([param for param, _ in entry.references]),
        array([key for _, key in entry.references]),
        *_columns(entry.dates, 6),
        *_columns(entry.numbers, 7),
        *_strings(entry.strings),
        *_texts(entry.texts),
        array(change.required),
        change.supersedes,
    )
    return bool(rows[0][0])


def write_many(connection: Connection, changes: Sequence[Change]) -> None:
    """Write versions that have content; the caller has locked the ones they supersede."""
    superseding = [change for change in changes if change.supersedes]
    if superseding:
        keys = [change.version.key for change in superseding]
        connection.run(_ARCHIVE_MANY, array(keys))
        forget(connection, keys)
    first = [change for change in changes if not change.supersedes]
    for statement, rows in ((_INSERT_MANY, first), (_UPDATE_MANY, superseding)):
        for start in range(0, len(rows), BATCH):
            _write_batch(connection, statement, rows[start : start + BATCH])


def forget(connection: Connection, keys: Iterable[int]) -> None:
    """Remove the ordered rows."""
    connection.run(_FORGET_MANY, array(keys))


def _write_batch(connection: Connection, statement: Statement, changes: Sequence[Change]) -> None:
    connection.run(statement, *batch(changes))
    write_ordered(connection, changes)


def batch(changes: Sequence[Change]) -> tuple[str, ...]:
    """Return the parameters of BATCH_ROWS."""
    versions = [change.version for change in changes]
    entries = [change.entry for change in changes]
    return (
        array(version.key for version in versions),
        array(version.type for version in versions),
        array(f'"{version.id}"' for version in versions),  # "null" is an id too
        array(version.version for version in versions),
        array(f'"{version.last_updated.isoformat()}"' for version in versions),
        array(version.method for version in versions),
        "\x1f".join([version.content or "" for version in versions]),
        array(version.blob or "-" for version in versions),
        ";".join([array(entry.terms) for entry in entries]),
        ";".join([array([param for param, _ in entry.references]) for entry in entries]),
        ";".join([array([key for _, key in entry.references]) for entry in entries]),
    )


def index_anew(connection: Connection, changes: Sequence[Change]) -> None:
    """Replace the entries of current versions, which the caller has locked, and nothing else."""
    if not changes:
        return
    keys = [change.version.key for change in changes]
    entries = [change.entry for change in changes]
    forget(connection, keys)
    connection.run(
        _REINDEX_MANY,
        array(keys),
        ";".join([array(entry.terms) for entry in entries]),
        ";".join([array([param for param, _ in entry.references]) for entry in entries]),
        ";".join([array([key for _, key in entry.references]) for entry in entries]),
    )
    write_ordered(connection, changes)


def write_ordered(connection: Connection, changes: Sequence[Change]) -> None:
    """Write the rows of what has an order, and the texts."""
    dates = [(change.version.key, *row) for change in changes for row in change.entry.dates]
    if dates:
        connection.run(_DATES_MANY, *_columns(dates, 7))
    numbers = [(change.version.key, *row) for change in changes for row in change.entry.numbers]
    if numbers:
        connection.run(_NUMBERS_MANY, *_columns(numbers, 8))
    strings = [(change.version.key, *row) for change in changes for row in change.entry.strings]
    if strings:
        keys, params, values, least, most = zip(*strings, strict=True)
        joined = "\x1f".join(values)
        connection.run(_STRINGS_MANY, array(keys), array(params), joined, array(least), array(most))
    # Sorted, so that two writers of the same texts wait for each other in one order.
    if texts := sorted({text for change in changes for text in change.entry.texts}):
        numbers_, listed, terms = _texts(texts)
        connection.run(_TEXTS_MANY, numbers_, "\x1f".join(listed), terms)


def _version_values(version: Version) -> tuple[Any, ...]:
    return (
        version.key,
        version.type,
        version.id,
        version.version,
        version.last_updated,
        version.method,
        version.content,
        version.blob,
    )


def _strings(rows: Sequence[StringRow]) -> tuple[Any, ...]:
    return (
        array(row.param for row in rows),
        [row.value for row in rows],
        array(row.least for row in rows),
        array(row.most for row in rows),
    )


def _texts(rows: Sequence[tuple[int, str]]) -> tuple[str, list[str], str]:
    """Return parameters, texts and terms of the rows of text_value."""
    return (
        array(param for param, _ in rows),
        [value for _, value in rows],
        array(text_term(param, value) for param, value in rows),
    )


def array(values: Iterable[object]) -> str:
    """Make an array literal of numbers or of words that need no quotes."""
    return "{" + ",".join(map(str, values)) + "}"


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[str]:
    """Turn rows into one array literal a column."""
    return [array(column) for column in zip(*rows, strict=True)] if rows else ["{}"] * width
