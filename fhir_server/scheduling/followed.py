"""What was written that others follow: one after the other, each with what it was before."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_server.codec import Resource
from fhir_server.repository import Repository
from fhir_server.scheduling.records import resource_of
from fhir_server.search.term import resource_key
from fhir_server.storage import outbox, resources


@dataclass(frozen=True, slots=True)
class Followed:
    type: str
    id: str
    version: int
    before: Resource | None
    """None when it was not there."""
    after: Resource | None
    """None when it was deleted."""


def take(repository: Repository) -> Followed | None:
    """Take the next; None when there is none. It is done when the caller's transaction commits."""
    note = outbox.take(repository.connection)
    if note is None:
        return None
    after = _version(repository, note.type, note.id, note.version)
    before = _version(repository, note.type, note.id, note.version - 1)
    return Followed(note.type, note.id, note.version, before, after)


def _version(repository: Repository, type_: str, id_: str, number: int) -> Resource | None:
    if number < 1:
        return None
    found = resources.vread(repository.connection, resource_key(f"{type_}/{id_}"), number)
    return resource_of(found) if found is not None and found.content is not None else None
