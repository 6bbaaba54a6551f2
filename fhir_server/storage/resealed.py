"""Content sealed again under the newest key, and what no version names any more taken away.

For a time in which no server writes: one that still seals with an older key could name what is taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fhir_server.database import Connection
from fhir_server.storage.sealed import SealedBlobs

BATCH = 100
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_PAGE = (
    "SELECT key, version, blob FROM {table} WHERE blob IS NOT NULL"
    " AND (key, version) > (%s, %s) ORDER BY key, version LIMIT %s"
)
_RENAME = (
    "UPDATE {table} AS t SET blob = n.blob"
    " FROM unnest(%s::bigint[], %s::integer[], %s::text[]) AS n(key, version, blob)"
    " WHERE t.key = n.key AND t.version = n.version"
)
_TABLES = ("resource", "resource_history")
_LEAST = -(2**63)
Row = tuple[int, int, str]


def others(connection: Connection) -> int:
    """Return how many other sessions use the database."""
    return int(connection.query(_OTHERS)[0][0])


def reseal(connection: Connection, blobs: SealedBlobs) -> tuple[int, int]:
    """Seal all content with the newest key; returns how much was sealed anew and how much removed.

    Killed in the middle it has harmed nothing, and does the rest when it is called again.
    """
    kept: set[str] = set()
    replaced: set[str] = set()
    done = 0
    for table in _TABLES:
        for rows in _pages(connection, table):
            renamed = [(key, version, _sealed(blobs, blob)) for key, version, blob in rows]
            changed = [new for new, old in zip(renamed, rows, strict=True) if new != old]
            if changed:
                columns = [list(each) for each in zip(*changed, strict=True)]
                connection.query(_RENAME.format(table=table), columns)
            done += len(changed)
            kept.update(_names(renamed))
            replaced.update(_names(rows))
    return done, _sweep(blobs, kept, replaced)


def _pages(connection: Connection, table: str) -> Iterator[list[Row]]:
    after = (_LEAST, 0)
    while rows := connection.query(_PAGE.format(table=table), (*after, BATCH)):
        yield [(key, version, blob) for key, version, blob in rows]
        after = rows[-1][:2]


def _sealed(blobs: SealedBlobs, blob: str) -> str:
    """Return the name that the content has under the newest key: "raw:sha256-..."."""
    form, _, name = blob.partition(":")
    return f"{form}:{blobs.resealed(name)}"


def _names(rows: Iterable[Row]) -> set[str]:
    return {blob.partition(":")[2] for _, _, blob in rows}


def _sweep(blobs: SealedBlobs, kept: set[str], replaced: set[str]) -> int:
    """Remove what was sealed anew and what an undone write left; never what another key sealed.

    A bucket may hold what belongs to another database, or to no MedConsult at all.
    """
    unnamed = (each for each in blobs.names() if each not in kept)
    gone = [each for each in unnamed if each in replaced or blobs.is_ours(each)]
    for name in gone:
        blobs.remove(name)
    return len(gone)
