"""Versions together with what they contain: a row of `contained` for each resource inside a current one.

https://hl7.org/fhir/R4/search.html#contained. Few resources contain any, so those rows are written
by statements of their own and the single write of all others is what it was. A row bears its
container's version, time and transaction, and goes with that version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhir_server.database import Connection, Statement
from fhir_server.search.term import resource_key
from fhir_server.storage import resources
from fhir_server.storage.resources import BATCH, COLUMNS, Change, Version, array

_REMOVE = Statement(
    "remove_contained",
    ("bigint[]",),
    "DELETE FROM contained WHERE container = ANY($1) RETURNING key",
)
_INSERT = Statement(
    "insert_contained",
    (*resources.BATCH_TYPES, "bigint[]"),
    f"INSERT INTO contained ({resources.WRITTEN}, container, txid)"
    " SELECT n.k, n.t, n.i, n.v, n.l, n.m, n.c, n.b, n.e, n.p, n.r, o.container, resource.txid"
    f" FROM ({resources.BATCH_ROWS}) AS n(k, t, i, v, l, m, c, b, e, p, r)"
    " JOIN unnest($1, $12) AS o(key, container) ON o.key = n.k"
    " JOIN resource ON resource.key = o.container",
)
_CONTAINERS = (
    f"SELECT {COLUMNS} FROM resource WHERE key = ANY(%s::bigint[]) AND content IS NOT NULL"
)


def write(connection: Connection, change: Change) -> bool:
    """Write one version; False when what it supersedes or requires is not there (any more)."""
    if not change.contained and not change.contained_before:
        return resources.write(connection, change)
    with connection.whole():
        written = resources.write(connection, change)
        if written:
            _replace(connection, [change])
    return written


def write_many(connection: Connection, changes: Sequence[Change]) -> None:
    """Write versions that have content; the caller has locked the ones they supersede."""
    resources.write_many(connection, changes)
    _replace(connection, changes)


def index_anew(connection: Connection, changes: Sequence[Change]) -> None:
    """Replace the entries of current versions, which the caller has locked, and nothing else."""
    resources.index_anew(connection, changes)
    _replace(connection, changes)


def _replace(connection: Connection, changes: Sequence[Change]) -> None:
    before = [change.version.key for change in changes if change.contained_before]
    gone = connection.run(_REMOVE, array(before)) if before else []
    if gone:
        resources.forget(connection, [row[0] for row in gone])
    rows = [(change.version.key, row) for change in changes for row in _rows(change)]
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        inner = [row for _, row in batch]
        connection.run(_INSERT, *resources.batch(inner), array(key for key, _ in batch))
        resources.write_ordered(connection, inner)


def _rows(change: Change) -> Iterable[Change]:
    """Return the contained resources as they are stored: under "Type/id#inner"."""
    outer = change.version
    for each in change.contained:
        row = Version(
            each.entry.key,
            each.entry.type,
            f"{outer.type}/{outer.id}#{each.id}",
            outer.version,
            outer.last_updated,
            outer.method,
            each.content,
        )
        yield Change(row, each.entry, 0)


def is_contained(version: Version) -> bool:
    """Tell whether it is a row of `contained`: no id of a resource has a number sign."""
    return "#" in version.id


def containers(connection: Connection, versions: Iterable[Version]) -> dict[int, Version]:
    """Return the current containers of the contained ones among the versions, by these ones' keys.

    One that was deleted a moment ago is left out.
    """
    outer = {
        version.key: resource_key(version.id.partition("#")[0])
        for version in versions
        if is_contained(version)
    }
    if not outer:
        return {}
    rows = connection.query(_CONTAINERS, (list(set(outer.values())),))
    found = {row[0]: Version(*row) for row in rows}
    return {key: found[container] for key, container in outer.items() if container in found}
