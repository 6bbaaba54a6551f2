"""What a process knows of the stored SearchParameters and of how far they are indexed.

Every SearchParameter that is written changes the generation, a hash of their keys and
transactions, so nothing has to be kept beside the resources themselves.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fhir_server import codec
from fhir_server.database import Connection, Database
from fhir_server.errors import Unavailable
from fhir_server.search import custom, defining
from fhir_server.search.custom import Custom
from fhir_server.storage.reindex import ALL, Job, jobs

LOOK_S = 1.0
"""How long a process may not know of what another one defined."""

_GENERATION = (
    "SELECT coalesce(hashtextextended(string_agg(key || '.' || txid, ',' ORDER BY key), 0), 0)"
    " FROM resource WHERE type = 'SearchParameter'"
)
_STORED = (
    "SELECT 'SearchParameter/' || id, content FROM resource"
    " WHERE type = 'SearchParameter' AND content IS NOT NULL ORDER BY key"
)


@dataclass(slots=True, eq=False)
class Watch:
    """Keeps this process at what is defined, at the cost of one short query a second."""

    due: float = 0.0
    incomplete: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """What is still being indexed, to resources done and their total: "SearchParameter/eye"."""

    def learn(self, database: Database) -> None:
        """Look whether something changed, if the last look was a while ago."""
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + LOOK_S  # the requests beside this one go on with what is known
        try:
            with database.connection() as connection:
                self.incomplete = MappingProxyType(_incomplete(read(connection), jobs(connection)))
        except Unavailable:
            self.due = 0.0  # who needs the database will say so
        except BaseException:
            self.due = 0.0
            raise

    def expire(self) -> None:
        """Look again at the next occasion: this process changed something itself."""
        self.due = 0.0


def read(connection: Connection) -> Custom:
    """Return what is defined now, in use in this process from now on."""
    generation = int(connection.query(_GENERATION)[0][0])
    known = custom.current()
    if known.generation == generation:
        return known
    stored = ((name, codec.decode_again(text.encode())) for name, text in connection.query(_STORED))
    found = defining.made(generation, stored)
    custom.use(found)
    return found


def _incomplete(defined: Custom, listed: Mapping[str, Job]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for each in defined.defined:
        job = listed.get(each.name)
        if job is None or job.definition != each.fingerprint:
            found[each.name] = (0, 0)
        elif not job.finished:
            found[each.name] = (job.done, job.total)
    whole = listed.get(ALL)
    if whole is not None and not whole.finished:
        found[ALL] = (whole.done, whole.total)
    return found
