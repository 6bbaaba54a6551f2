"""Versions that were current in a snapshot and are not any more, for the later pages of a search.

https://hl7.org/fhir/R4/http.html#paging. The partial index resource_changed finds them by the
transaction that superseded them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from fhir_server import codec, references
from fhir_server.database import Connection
from fhir_server.errors import Gone
from fhir_server.search import jsonpath, order, sql
from fhir_server.search.contained import Contained, contained
from fhir_server.search.entry import NO_ENTRY, Entry, entry
from fhir_server.search.match import Linked, match
from fhir_server.search.order import Place, Written
from fhir_server.search.predicates import HasTerm, Link
from fhir_server.search.query import Query, Sort
from fhir_server.search.writer import Writer
from fhir_server.storage.resources import COLUMNS, Version

MOST = 5_000
"""More versions than this to be read again would make a page slow: the search begins anew."""
MOST_CHANGED = 50_000
"""Resources that changed since the first page, whether or not they match."""

_CHANGED = (
    "SELECT key FROM resource WHERE txid >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)"
    " AND version > 1 AND type = ANY(%(types)s)"
    " AND NOT pg_visible_in_snapshot(txid, %(snapshot)s::pg_snapshot) LIMIT %(limit)s"
)
# A version keeps the terms that it was found by, so most that never matched need not be read.
_VERSIONS = (
    f"SELECT {COLUMNS} FROM (SELECT DISTINCT ON (key) {COLUMNS}, terms FROM resource_history"
    " WHERE key = ANY(%(keys)s::bigint[])"
    " AND pg_visible_in_snapshot(txid, %(snapshot)s::pg_snapshot) ORDER BY key, version DESC) AS r"
    " WHERE {where} ORDER BY {order} LIMIT %(limit)s"
)
_MATCHING = "content IS NOT NULL AND terms @> %(terms)s::bigint[]"
_COLUMNS = ("id", "updated")
"""Sort values that stand in the row, so that a few versions can be read in their order."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A version that is not current any more, and what it was found by."""

    version: Version
    entry: Entry


def matching(
    connection: Connection, query: Query, snapshot: str, base_url: str
) -> list[Superseded]:
    """Return the query's matches among versions superseded since; Gone when there are too many.

    What those versions contained is not among them: the history keeps no rows of it, so a later
    page of a search with `_contained` may lack what was changed since the first.
    """
    keys = _changed(connection, query, snapshot)
    rows = _versions(connection, query, keys, snapshot, Written("", (), (), "key"), MOST + 1)
    if len(rows) > MOST:
        raise _gone(MOST)
    return _fulfilling(connection, query, rows, base_url)


def beyond(
    connection: Connection, query: Query, snapshot: str, base_url: str, place: Place, wanted: int
) -> list[Superseded]:
    """Return what `matching` does; at least those `wanted` that come first behind the place."""
    if any(sort.type not in _COLUMNS for sort in order.keys(query)):
        return matching(connection, query, snapshot, base_url)
    keys = _changed(connection, query, snapshot)
    found: list[Superseded] = []
    read = 0
    while keys and len(found) < wanted:
        if read > MOST:
            raise _gone(MOST)
        writer = Writer()
        written = order.write(query, place.phase, place, place.backward, writer)
        few = 2 * wanted
        rows = _versions(connection, query, keys, snapshot, written, few, writer.parameters)
        found += _fulfilling(connection, query, rows, base_url)
        read += len(rows)
        if len(rows) < few:
            break
        last = Superseded(rows[-1], NO_ENTRY)
        place = replace(place, values=sort_values(query, last)[1])
    return found


def _gone(most: int) -> Gone:
    return Gone(
        f"More than {most} resources changed since this search began; start it again.", "_page"
    )


def _changed(connection: Connection, query: Query, snapshot: str) -> list[int]:
    """Return the keys of what changed since the snapshot, of the query's types."""
    if query.contained == "true":
        return []
    parameters = {"snapshot": snapshot, "types": list(query.types), "limit": MOST_CHANGED + 1}
    keys = [row[0] for row in connection.query(_CHANGED, parameters)]
    if len(keys) > MOST_CHANGED:
        raise _gone(MOST_CHANGED)
    return keys


def _versions(
    connection: Connection,
    query: Query,
    keys: Sequence[int],
    snapshot: str,
    written: Written,
    limit: int,
    bound: Mapping[str, object] = MappingProxyType({}),
) -> list[Version]:
    """Return versions of these resources that were current in the snapshot and may match."""
    if not keys:
        return []
    plain = [each.predicate for each in query.conditions if isinstance(each.predicate, HasTerm)]
    where = " AND ".join([_MATCHING, *written.conditions])
    text = _VERSIONS.format(where=where, order=written.order)
    parameters = {
        **bound,
        "keys": keys,
        "snapshot": snapshot,
        "terms": [each.term for each in plain],
        "limit": limit,
    }
    return [Version(*row) for row in connection.query(text, parameters)]


def _fulfilling(
    connection: Connection, query: Query, versions: Sequence[Version], base_url: str
) -> list[Superseded]:
    holds = linked(connection)
    earlier = [Superseded(version, entry_of(version, base_url)) for version in versions]
    return [each for each in earlier if match(query, each.entry, holds)]


def linked(connection: Connection) -> Linked:
    """Decide chains by the index; a query `as_of` the snapshot says what of it was so then."""

    def holds(predicate: Link, indexed: Entry) -> bool:
        statement = sql.linked(predicate, indexed)
        return bool(connection.query(statement.text, statement.parameters)[0][0])

    return holds


def entry_of(version: Version, base_url: str) -> Entry:
    """Index a version as it was when it was written."""
    content = (version.content or "").encode()
    targets = references.local(content, base_url)
    return entry(codec.decode_again(content), targets, base_url)


def contained_of(version: Version, base_url: str) -> tuple[Contained, ...]:
    """Index what a version contains."""
    content = (version.content or "").encode()
    return contained(codec.decode_again(content), content, base_url)


def sort_values(query: Query, earlier: Superseded) -> tuple[int, tuple[object, ...]]:
    """Return phase and sort values, then the key, as SQL returns them of a current row."""
    keys = order.keys(query)
    values = [_value(sort, earlier.version, earlier.entry) for sort in keys]
    phase = 1 if len(order.phases(query)) > 1 and values[0] is None else 0
    filled = [
        order.none(sort) if value is None else value
        for sort, value in zip(keys[phase:], values[phase:], strict=True)
    ]
    return phase, (*filled, earlier.version.key)


def _value(sort: Sort, version: Version, indexed: Entry) -> object:
    match sort.type:
        case "id":
            return version.id
        case "updated":
            return version.last_updated
        case "text":
            texts = list(jsonpath.texts(sort.paths, codec.decode_again(_text(version))))
            return (max(texts) if sort.descending else min(texts)) if texts else None
    ordered: dict[str, Sequence[tuple[Any, ...]]] = {
        "date": indexed.dates,
        "number": indexed.numbers,
        "string": indexed.strings,
    }
    listed = [row[1] for row in ordered[sort.type] if row[0] == sort.param]
    if not listed:
        return None
    return max(listed) if sort.descending else min(listed)


def _text(version: Version) -> bytes:
    return (version.content or "").encode()
