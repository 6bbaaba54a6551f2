"""One request's way to the data: a connection, with or without a transaction, and a repository on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fhir_server.database import Connection, Database, retrying
from fhir_server.repository import Repository
from fhir_server.search.reading import Terminology
from fhir_server.storage.blobs import Blobs
from fhir_server.terminology.stored import stored

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Store:
    """What a process holds of the data: the pool, the blob store and the rules of this installation."""

    database: Database
    blobs: Blobs
    base: str
    integrity: bool = True

    def repository(self, connection: Connection) -> Repository:
        return Repository(connection, self.blobs, self.base, self.integrity)

    def terminology(self) -> Terminology:
        """Return what is known of codes, for one request; a connection is lent only when it looks."""
        return stored(lambda query: self.reading(lambda repository: repository.search(query)))

    def reading(self, work: Callable[[Repository], T]) -> T:
        """Run work that only reads, each statement for itself."""
        with self.database.connection() as connection:
            return work(self.repository(connection))

    def single(self, work: Callable[[Repository], T]) -> T:
        """Run work that writes with exactly one statement, which is a transaction by itself."""

        def attempt() -> T:
            with self.database.connection() as connection:
                return work(self.repository(connection))

        return retrying(attempt)

    def writing(self, work: Callable[[Repository], T]) -> T:
        """Run work in one transaction, again when it lost a race."""

        def attempt() -> T:
            with self.database.transaction() as connection:
                return work(self.repository(connection))

        return retrying(attempt)
