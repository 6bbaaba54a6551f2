"""New terms sorted into the inverted indexes in a quiet moment.

A write leaves its terms in a list beside the index, which is sorted in when it is full: that makes writes cheap.
But each search reads the list whole, up to 1 MB of it. https://www.postgresql.org/docs/current/gin.html#GIN-FAST-UPDATE
"""

from __future__ import annotations

from fhir_server.database import Connection

# Who does not own the tables leaves it to autovacuum.
_SETTLE = (
    "SELECT gin_clean_pending_list(i.oid) FROM pg_class i"
    " WHERE i.oid = ANY('{resource_terms,contained_terms}'::regclass[])"
    " AND pg_has_role(i.relowner, 'USAGE')"
)


def settle(connection: Connection) -> int:
    """Empty the lists; returns how many pages they had. Writers go on meanwhile."""
    return sum(row[0] for row in connection.query(_SETTLE))
