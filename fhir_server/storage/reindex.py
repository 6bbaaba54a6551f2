"""Indexing anew what is stored: jobs that walk the resources of some types, batch by batch.

A job goes from the oldest resource to the newest. Each batch is one short transaction that also
notes how far the job has come, so it goes on there after a kill. Nothing but the index changes:
version, time, transaction and history stay. What others write meanwhile they index themselves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir_server.database import Connection, Database, Row, retrying
from fhir_server.definitions import structures
from fhir_server.errors import Invalid
from fhir_server.search.custom import Custom
from fhir_server.search.entry import INDEX_FORMAT
from fhir_server.search.term import term
from fhir_server.storage import contained
from fhir_server.storage.resources import COLUMNS, Change, Version, array
from fhir_server.storage.superseded import contained_of, entry_of

ALL = "all"
BATCH = 250
SETTLE_S = 5.0
"""Writers may use what they knew before for so long: a job begins afterwards."""

_LOCK = term("lock|reindex")
_WIDTH = len(COLUMNS.split(","))
_JOB = "what, definition, types, place, last_updated, key, until, done, total, queued, finished IS NOT NULL"
_JOBS = f"SELECT {_JOB} FROM reindex ORDER BY what <> '{ALL}', queued, what"
_QUEUE = (
    "INSERT INTO reindex (what, definition, types) VALUES (%s, %s, %s)"
    " ON CONFLICT (what) DO UPDATE SET definition = excluded.definition, types = excluded.types,"
    " place = 0, last_updated = NULL, key = NULL, until = NULL, done = 0, total = 0,"
    " queued = clock_timestamp(), finished = NULL"
)
_FORGET = "DELETE FROM reindex WHERE what <> ALL(%s)"
_ANY = "SELECT EXISTS (SELECT FROM resource)"
_NOTE_FORMAT = (
    "INSERT INTO reindex (what, definition, types, finished) VALUES (%s, %s, %s, clock_timestamp())"
    " ON CONFLICT DO NOTHING"
)
# The transactions that began before everybody knew the parameter have to be over.
_SETTLED = (
    "SELECT clock_timestamp() >= queued + %(settle)s * interval '1 second' AND NOT EXISTS ("
    "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND application_name = 'medconsult' AND state <> 'idle'"
    " AND xact_start < queued + %(settle)s * interval '1 second')"
    " FROM reindex WHERE what = %(what)s"
)
_BEGIN = (
    "UPDATE reindex SET until = coalesce(greatest("
    "(SELECT max(last_updated) FROM resource WHERE type = ANY(types)),"
    " (SELECT max(last_updated) FROM contained WHERE type = ANY(types))), '-infinity'),"
    " total = (SELECT count(*) FROM resource WHERE type = ANY(types))"
    f" + (SELECT count(DISTINCT (type, container)) FROM contained WHERE type = ANY(types) AND what <> '{ALL}')"
    " WHERE what = %s AND queued = %s"
)
_NEXT = (
    f"SELECT {COLUMNS}, terms, ref_params, ref_keys FROM resource WHERE key IN ("
    "(SELECT key FROM resource WHERE type = %(type)s"
    " AND (last_updated, key) > (%(last_updated)s, %(key)s) AND last_updated <= %(until)s"
    " ORDER BY last_updated, key LIMIT %(limit)s) UNION ALL"
    " (SELECT container FROM (SELECT DISTINCT last_updated, container FROM contained"
    " WHERE type = %(type)s AND NOT %(every)s AND last_updated >= %(last_updated)s"
    " AND (last_updated, container) > (%(last_updated)s, %(key)s) AND last_updated <= %(until)s"
    " ORDER BY last_updated, container LIMIT %(limit)s) AS c))"
    " ORDER BY last_updated, key LIMIT %(limit)s"
)
_CONTAINED = (
    "SELECT container, key, terms, ref_params, ref_keys FROM contained"
    " WHERE container = ANY(%s::bigint[])"
)
_ORDERED = {
    "date_index": "key, param, low, high, least, most, long",
    "number_index": "key, param, low, high, system_unit, unit, least, most",
    "string_index": "key, param, value, least, most",
}
_UNCHANGED = "SELECT key, version FROM resource WHERE key = ANY(%s) ORDER BY key FOR NO KEY UPDATE"
_NOTE = (
    "UPDATE reindex SET place = %(place)s, last_updated = %(last_updated)s, key = %(key)s,"
    " done = done + %(count)s, finished = CASE WHEN %(over)s THEN clock_timestamp() END"
    " WHERE what = %(what)s AND queued = %(queued)s"
)
_Indexed = dict[int, tuple[list[int], list[tuple[int, int]], Counter[Any]]]
"""Terms, references and ordered rows of a resource and of what it contains, by key."""
_FIRST_KEY = -(1 << 63)
_BEFORE_ALL = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Job:
    """One job and how far it has come."""

    what: str
    """ "all", or the SearchParameter: "SearchParameter/eye"."""
    definition: str
    """What is indexed: another one makes the job anew."""
    types: Sequence[str]
    place: int
    """Position in `types` of the one being walked."""
    last_updated: datetime | None
    """Of the last resource that is done."""
    key: int | None
    until: datetime | None
    """What was updated later was indexed by its writer; None before the job begins."""
    done: int
    total: int
    queued: datetime
    finished: bool

    @property
    def percent(self) -> int:
        return 100 if self.finished else percent(self.done, self.total)


def percent(done: int, total: int) -> int:
    """Return how much of an unfinished job is done: never 100."""
    return min(99, 100 * done // total) if total else 0


@contextmanager
def alone(connection: Connection) -> Iterator[bool]:
    """Be the only one that indexes anew while the context lasts; yields False when another is."""
    held = bool(connection.query("SELECT pg_try_advisory_lock(%s)", (_LOCK,))[0][0])
    try:
        yield held
    finally:
        if held and not connection.session.closed:
            connection.query("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def jobs(connection: Connection) -> dict[str, Job]:
    """Return all jobs, finished ones too, in the order in which they are to be done."""
    return {row[0]: Job(*row) for row in connection.query(_JOBS)}


def queue(connection: Connection, what: str, definition: str, types: Sequence[str]) -> None:
    """Begin anew, from the first resource."""
    connection.query(_QUEUE, (what, definition, list(types)))


def queue_all(connection: Connection) -> None:
    queue(connection, ALL, str(INDEX_FORMAT), structures.resource_types())


def note_format(connection: Connection) -> None:
    """Queue all when the index is of another release; an empty database is of this one."""
    known = jobs(connection).get(ALL)
    if known is None and not connection.query(_ANY)[0][0]:
        types = list(structures.resource_types())
        connection.query(_NOTE_FORMAT, (ALL, str(INDEX_FORMAT), types))
    elif known is None or known.definition != str(INDEX_FORMAT):
        queue_all(connection)


def reconcile(connection: Connection, defined: Custom) -> list[Job]:
    """Queue what is defined and not indexed, forget what is not defined any more; returns what is to do."""
    note_format(connection)
    known = jobs(connection)
    for each in defined.defined:
        job = known.get(each.name)
        if job is None or job.definition != each.fingerprint:
            queue(connection, each.name, each.fingerprint, each.parameter.base)
    wanted = [ALL, *(each.name for each in defined.defined)]
    if any(name not in wanted for name in known):
        connection.query(_FORGET, (wanted,))
    return [job for job in jobs(connection).values() if not job.finished]


def begun(connection: Connection, job: Job, settle: float = SETTLE_S) -> bool:
    """Begin the job if that has not been done; False while writers may not know of it yet."""
    if job.until is not None:
        return True
    rows = connection.query(_SETTLED, {"what": job.what, "settle": settle})
    if not rows or not rows[0][0]:
        return False
    connection.query(_BEGIN, (job.what, job.queued))
    return True


def step(database: Database, job: Job, base_url: str, limit: int = BATCH) -> int:
    """Index the next batch and note that; returns how many resources were not indexed right."""
    with database.connection() as connection:
        rows = _next(connection, job, limit)
        changes = _changes(connection, rows, base_url)

    def attempt() -> int:
        with database.transaction() as connection:
            count = _rewrite(connection, changes)
            _note(connection, job, rows, limit)
            return count

    return retrying(attempt)


def _next(connection: Connection, job: Job, limit: int) -> list[Row]:
    stated = {
        "type": job.types[job.place],
        "last_updated": job.last_updated or _BEFORE_ALL,
        "key": _FIRST_KEY if job.key is None else job.key,
        "until": job.until,
        # Then each container comes by itself.
        "every": job.what == ALL,
        "limit": limit,
    }
    return connection.query(_NEXT, stated)


def _note(connection: Connection, job: Job, rows: Sequence[Row], limit: int) -> None:
    """Note the last row as done, or go on with the next type."""
    through = len(rows) < limit
    last = Version(*rows[-1][:_WIDTH]) if rows and not through else None
    stated = {
        "place": job.place + through,
        "last_updated": last.last_updated if last else None,
        "key": last.key if last else None,
        "count": len(rows),
        "over": through and job.place + 1 == len(job.types),
        "what": job.what,
        "queued": job.queued,
    }
    connection.query(_NOTE, stated)


def _changes(connection: Connection, rows: Sequence[Row], base_url: str) -> list[Change]:
    """Return what is not indexed as it should be."""
    held = _held(connection, rows)
    changes: list[Change] = []
    for row in rows:
        version = Version(*row[:_WIDTH])
        made = _change(version, base_url, contained_before=len(held[version.key]) > 1)
        if made is not None and held[version.key] != _made(made):
            changes.append(made)
    return changes


def _change(version: Version, base_url: str, *, contained_before: bool) -> Change | None:
    """Return what it is indexed by today; None of a deletion, and of what could not be written today."""
    if version.content is None:
        return None
    try:
        return Change(
            version,
            entry_of(version, base_url),
            version.version,
            contained=contained_of(version, base_url),
            contained_before=contained_before,
        )
    except Invalid:
        return None


def _made(change: Change) -> _Indexed:
    parts = [(each.entry.key, each.entry) for each in change.contained]
    return {
        key: (
            made.terms,
            made.references,
            Counter(map(tuple, [*made.dates, *made.numbers, *made.strings])),
        )
        for key, made in [(change.version.key, change.entry), *parts]
    }


def _held(connection: Connection, rows: Sequence[Row]) -> Mapping[int, _Indexed]:
    """Return what is stored of each resource and of what it contains."""
    own = [(row[0], row[0], *row[_WIDTH:]) for row in rows]
    within = connection.query(_CONTAINED, (array(row[0] for row in rows),))
    listed = [*own, *within]
    ordered = _stored_rows(connection, [row[1] for row in listed])
    found: dict[int, _Indexed] = defaultdict(dict)
    for container, key, terms, params, keys in listed:
        found[container][key] = (terms, list(zip(params, keys, strict=True)), ordered[key])
    return found


def _stored_rows(connection: Connection, keys: Iterable[int]) -> Mapping[int, Counter[Any]]:
    """Return the ordered rows of each key."""
    found: dict[int, Counter[Any]] = defaultdict(Counter)
    wanted = array(keys)
    for table, columns in _ORDERED.items():
        sql = f"SELECT {columns} FROM {table} WHERE key = ANY(%s::bigint[])"
        for key, *row in connection.query(sql, (wanted,)):
            found[key][tuple(row)] += 1
    return found


def _rewrite(connection: Connection, changes: Sequence[Change]) -> int:
    """Put the entries in place where the versions are still current."""
    keys = sorted(change.version.key for change in changes)
    if not keys:
        return 0
    current: dict[int, int] = dict(connection.query(_UNCHANGED, (keys,)))
    still = [each for each in changes if current.get(each.version.key) == each.supersedes]
    contained.index_anew(connection, still)
    return len(still)
