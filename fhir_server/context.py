"""One request's way to the data: a connection, with or without a transaction, and a repository on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy

from fhir_server.access.policy import UNRESTRICTED, Policy, policy_of
from fhir_server.access.principal import OPEN, Principal
from fhir_server.audit.access import Access
from fhir_server.audit.trail import Trail
from fhir_server.consents import Consents
from fhir_server.database import Connection, Database, lend, retrying
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
    policy: Policy = UNRESTRICTED
    """Of whoever the work is done for."""
    trail: Trail | None = None
    """Where accesses are kept; None where nothing is audited."""
    access: Access | None = None
    """The access that is under way."""

    consents: Consents = field(default_factory=Consents, compare=False)

    def acting(self, principal: Principal) -> Store:
        """Return the same data as the principal may see and change it, for one access of theirs.

        Written out, because every request comes this way. The sandbox is not audited.
        """
        audited = self.trail is not None and principal is not OPEN
        return Store(
            self.database,
            self.blobs,
            self.base,
            self.integrity,
            self.watch,
            policy_of(principal),
            self.trail,
            Access(principal) if audited else None,
            self.consents,
        )

    def again(self) -> Store:
        """Return the store of one more access of the same principal: an entry of a batch."""
        return self.acting(self.policy.principal)

    def end(self, status: int) -> None:
        """Keep the access, unless what it changed has kept it already."""
        if self.trail is not None and self.access is not None:
            self.access.status = status
            if not self.access.written or status >= 400:
                self.trail.note(self.access)

    def learn(self) -> None:
        """Look for newly defined search parameters, at most once a second."""
        self.watch.learn(self.database)

    def repository(self, connection: Connection) -> Repository:
        policy = self.policy
        if policy.role.consents:
            denied = self.consents.denied(connection, policy.principal, self.base)
            policy = policy.but(denied.withheld, denied.predicates)
        return Repository(connection, self.blobs, self.base, self.integrity, policy, self.access)

    def joining(self, sql: sqlalchemy.Connection) -> Repository:
        """Return a repository in the transaction of a SQLAlchemy connection, on its very session."""
        sql.execute(sqlalchemy.select(1))  # begins it, if nothing has yet
        lent: Connection | None = sql.connection.info.get("records")
        if lent is None:
            session = sql.connection.driver_connection
            lent = sql.connection.info["records"] = lend(session)
        return self.repository(lent)

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
        if repository.consented:
            self.consents.forget()
