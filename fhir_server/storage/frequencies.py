"""How many resources have what: PostgreSQL's statistics, for what its planner cannot know.

The planner multiplies the shares of terms that occur together, and so takes what thousands have for
rare. The least share is the better guess: when it is large, the page's rows are found soonest by
walking the newest resources of the type.
https://www.postgresql.org/docs/current/view-pg-stats.html
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass

from fhir_server.database import Connection
from fhir_server.search import order
from fhir_server.search.predicates import AllOf, AnyOf, HasTerm, Not, Predicate
from fhir_server.search.query import Query

MANY = 1_000
"""A term that more resources have narrows nothing down by itself; to look at so many is quick."""
LARGEST_WINDOW = 3_000
"""Rows; beyond it the inverted index finds the matches sooner."""

_NAME = "frequencies"
_FRESH_S = 60.0
_READ = (
    "SELECT most_common_elems::text::bigint[], most_common_elem_freqs, most_common_vals::text::text[],"
    " most_common_freqs, attname,"
    " (SELECT reltuples FROM pg_class WHERE oid = 'resource'::regclass) FROM pg_stats"
    " WHERE schemaname = current_schema() AND tablename = 'resource' AND attname IN ('terms', 'type')"
)


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Shares of all resources, as of the last ANALYZE; what is rare is not listed."""

    terms: Mapping[int, float]
    types: Mapping[str, float]
    many: frozenset[int] = frozenset()


def window(connection: Connection, query: Query, wanted: int) -> int:
    """Return how many of the type's newest rows to look at for `wanted` matches; 0: do not."""
    by_time = [sort.type for sort in order.keys(query)[:1]] == ["updated"]
    if not by_time or len(query.types) != 1 or not query.conditions:
        return 0
    if query.contained != "false":
        return 0
    known = of(connection)
    own = known.types.get(query.types[0], 0.0)
    shares = [_share(each.predicate, known, own) for each in query.conditions]
    least = min((share for share in shares if share is not None), default=0.0)
    if None in shares or least <= 0 or own <= 0:
        return 0
    rows = math.ceil(wanted * 1.5 * own / least)
    return rows if rows <= LARGEST_WINDOW else 0


def many(connection: Connection) -> frozenset[int]:
    """Return the terms that too many resources have to begin a search with them."""
    return of(connection).many


def _share(predicate: Predicate, known: Frequencies, own: float) -> float | None:
    """Return about which share of all resources fulfils it; None when nothing is known of it."""
    match predicate:
        case HasTerm():
            return known.terms.get(predicate.term)
        case AnyOf():
            shares = [_share(each, known, own) or 0.0 for each in predicate.predicates]
            return min(sum(shares), own) or None
        case AllOf():
            listed = [_share(each, known, own) for each in predicate.predicates]
            found = [share for share in listed if share is not None]
            return min(found) if len(found) == len(listed) else None
        case Not():
            return own - (_share(predicate.predicate, known, own) or 0.0)
    return None


def of(connection: Connection) -> Frequencies:
    """Return the statistics, at most a minute old."""
    read_at, known = connection.remembered.get(_NAME, (0.0, None))
    if known is None or time.monotonic() - read_at > _FRESH_S:
        known = _read(connection)
        connection.remembered[_NAME] = (time.monotonic(), known)
    return known  # type: ignore[no-any-return]


def _read(connection: Connection) -> Frequencies:
    terms: dict[int, float] = {}
    types: dict[str, float] = {}
    total = 0.0
    for elements, element_shares, values, shares, column, rows in connection.query(_READ):
        total = float(rows)
        if column == "terms" and elements:
            # Three more figures follow the elements' own: least, greatest, share of NULL.
            terms = dict(zip(elements, element_shares, strict=False))
        if column == "type" and values:
            types = dict(zip(values, shares, strict=True))
    many = frozenset(term for term, share in terms.items() if share * total > MANY)
    return Frequencies(terms, types, many)
