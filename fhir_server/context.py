"""One request's way to the data: a connection, with or without a transaction, and a repository on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fhir_server.database import Connection, Database, retrying
from fhir_server.repository import Repository
from fhir_server.search.reading import Terminology
from fhir_server.storage.blobs import Blobs
from fhir_server.storage.parameters import Watch
from fhir_server.terminology.stored import terminology

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Store:
    """What a process holds of the data: the pool, the blob store and the rules of this installation."""

    database: Database
    blobs: Blobs
    base: str
    integrity: bool = True
    watch: Watch = field(default_factory=Watch, compare=False)
    """On the search parameters that are defined at run time."""

    def learn(self) -> None:
        """Look for newly defined search parameters, at most once a second."""
        self.watch.learn(self.database)

    def repository(self, connection: Connection) -> Repository:
        return Repository(connection, self.blobs, self.base, self.integrity)

    def terminology(self) -> Terminology:
        """Return what is known of codes; a connection is lent for each look into what is stored."""
        return terminology(
            lambda ask: self.reading(lambda repository: ask(repository.connection)), self.base
        )

    def reading(self, work: Callable[[Repository], T]) -> T:
        """Run work that only reads, each statement for itself."""
        self.learn()
        with self.database.connection() as connection:
            return work(self.repository(connection))

    def single(self, work: Callable[[Repository], T]) -> T:
        """Run work that writes once: one statement, or what the repository brackets itself."""

        def attempt() -> T:
            with self.database.connection() as connection:
                repository = self.repository(connection)
                result = work(repository)
            self._committed(repository)
            return result

        self.learn()
        return retrying(attempt)

    def writing(self, work: Callable[[Repository], T]) -> T:
        """Run work in one transaction, again when it lost a race."""

        def attempt() -> T:
            with self.database.transaction() as connection:
                repository = self.repository(connection)
                result = work(repository)
            self._committed(repository)
            return result

        self.learn()
        return retrying(attempt)

    def _committed(self, repository: Repository) -> None:
        if repository.redefined:
            self.watch.expire()
