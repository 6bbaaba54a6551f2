"""The one door to the data, for REST, portal, billing, apps and jobs alike.

A repository is made of one connection (in a transaction or not). Every write validates, checks
references and indexes; every read tells a missing resource from a deleted one.
https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from fhir_server import binary, consents
from fhir_server.access.policy import UNRESTRICTED, Policy
from fhir_server.audit import find as events
from fhir_server.audit import trail
from fhir_server.audit.access import Access
from fhir_server.codec import Body
from fhir_server.database import Connection, Raced
from fhir_server.drafts import DEFINES, Draft, dangling, drafted
from fhir_server.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
)
from fhir_server.guard import Guard
from fhir_server.preconditions import check_match
from fhir_server.search.entry import NO_ENTRY
from fhir_server.search.query import Query
from fhir_server.search.reading import Terminology
from fhir_server.search.term import resource_key, term
from fhir_server.stamping import stamp
from fhir_server.storage import contained as inner
from fhir_server.storage import everything, history, includes, outbox, plans, resources, searches
from fhir_server.storage.blobs import Blobs
from fhir_server.storage.history import Window
from fhir_server.storage.resources import Change, Version
from fhir_server.terminology.stored import terminology

LISTED_REFERRERS = 10


@dataclass(slots=True)
class Repository:
    connection: Connection
    blobs: Blobs
    base: str
    """The server's FHIR base URL, without a slash at the end."""
    integrity: bool = True
    policy: Policy = UNRESTRICTED
    """Whose rights hold; applied here to all that is read or written."""
    access: Access | None = None
    """What is done here, for the audit; None when nobody asks."""
    consented: bool = False
    """Whether a Consent was written here."""
    restricted: tuple[Query, Query] | None = None
    redefined: bool = False
    """Whether what is searched by was changed here: a SearchParameter was written."""

    # Reading

    def read(self, resource_type: str, id_: str) -> Version:
        """Return the current version; NotFound when there is none, Gone when it was deleted.

        Whoever may not see all of the type is not told of deletions: they belong to nobody any more.
        """
        if self._audits(resource_type):
            version = events.read(self.connection, id_, self.policy, self.base)
        else:
            version = self._current(resource_type, id_, "r")
        if version is None:
            raise NotFound(f"There is no {resource_type}/{id_} on this server.")
        return self._shown([_existing(version)])[0]

    def _audits(self, *types: str) -> bool:
        """Tell whether events are asked for, which the audit itself keeps; in the sandbox it does not."""
        return types == (events.TYPE,) and not self.policy.unrestricted

    def _refuse_event(self, resource_type: str) -> None:
        if self._audits(resource_type):
            raise events.not_written()

    def _shown(self, versions: Sequence[Version]) -> Sequence[Version]:
        """Note for the audit that these are shown."""
        if self.access is not None:
            self.access.saw(version.key for version in versions)
        return versions

    def find(self, resource_type: str, id_: str, letter: str = "u") -> Version | None:
        """Return the current version, to write over it, also when it is a deletion; None when there is none.

        Forbidden when there is one that the principal may not update (u) or delete (d).
        """
        version = self._current(resource_type, id_, "")
        if version is not None and self.guard.beyond([version], letter):
            raise Forbidden(f"You may not change {resource_type}/{id_}.")
        return version

    def vread(self, resource_type: str, id_: str, number: str) -> Version:
        right = self.policy.right(resource_type, "r")
        version = None
        if number.isascii() and number.isdigit() and len(number) < 10:
            key = resource_key(f"{resource_type}/{id_}")
            version = resources.vread(self.connection, key, int(number))
        if version is None or version.id != id_ or version.type != resource_type:
            raise NotFound(f"There is no version {number} of {resource_type}/{id_}.")
        if right is not None and not self.guard.seen([version], "r"):
            raise NotFound(f"There is no version {number} of {resource_type}/{id_}.")
        return self.whole(self._shown([_existing(version)])[0])

    def _current(self, resource_type: str, id_: str, letter: str) -> Version | None:
        """Return the current version if the principal has the right to it; "" asks for none."""
        key = resource_key(f"{resource_type}/{id_}")
        version = self.guard.current(key, resource_type, letter)
        # The key is a hash: the name is what counts.
        if version is None or version.id != id_ or version.type != resource_type:
            return None
        return self.whole(version)

    def seen(self, versions: Sequence[Version], letter: str) -> list[Version]:
        """Return those versions, current or not, that the principal may read (r) or search (s)."""
        return [self.whole(each) for each in self._shown(self.guard.seen(versions, letter))]

    @property
    def guard(self) -> Guard:
        return Guard(self.connection, self.policy, self.base)

    def whole(self, version: Version) -> Version:
        """Put content that lies in the blob store back into the resource."""
        return binary.attach(version, self.blobs) if version.blob else version

    def search(self, query: Query) -> list[Version]:
        """Return the query's first page: at most its count of matches."""
        allowed = self._allowed(query)
        found = searches.first(self.connection, allowed, query.count, self.base)
        return [self.whole(version) for version in self._shown(found)]

    def _allowed(self, query: Query) -> Query:
        """Return what of the query the principal may search; worked out once for page, cost and count."""
        if self.restricted is None or self.restricted[0] is not query:
            self.restricted = query, self.guard.restrict(query)
        return self.restricted[1]

    def page(self, query: Query, token: str | None, total: int | None) -> searches.Page:
        """Return the first page, or the one of a token; total is what the first page had counted."""
        if self._audits(*query.types):
            found = events.page(self.connection, query, self.policy, token, self.base)
            self._shown([row.version for row in found.rows])
            return replace(found, total=total)
        allowed = self._allowed(query)
        found = searches.page(self.connection, allowed, token, total=total, base_url=self.base)
        self._shown([row.version for row in found.rows])
        rows = [replace(row, version=self.whole(row.version)) for row in found.rows]
        return replace(found, rows=rows)

    def included(
        self, query: Query, rows: Sequence[searches.Found], most: int
    ) -> includes.Included:
        """Return what the query's includes add to these matches, as far as it may be read."""
        more = includes.included(self.connection, query, rows, most, self.guard.readable)
        self._shown(more.versions)
        return replace(more, versions=[self.whole(version) for version in more.versions])

    def count(self, query: Query) -> int:
        """Count all matches."""
        if self._audits(*query.types):
            return events.count(self.connection, query, self.policy)
        return searches.count(self.connection, self._allowed(query))

    def estimate(self, query: Query) -> int:
        return searches.estimate(self.connection, self._allowed(query))

    def refuse_costly(self, query: Query, limit: float) -> None:
        """Raise TooCostly when the first page, or the count asked for, is expected to cost more."""
        plans.refuse_costly(self.connection, self._allowed(query), limit)

    def explain(self, query: Query) -> tuple[plans.Plan, list[plans.Explained]]:
        """Return the plan of the first page, and that of each condition on its own."""
        if not self.policy.may("explain"):
            raise Forbidden("_explain is for administrators of this server.", "_explain")
        return plans.explain(self.connection, self._allowed(query))

    def history(self, resource_type: str, id_: str, window: Window) -> list[Version]:
        """Return one resource's versions, newest first; NotFound when there are none to be seen."""
        key = resource_key(f"{resource_type}/{id_}")
        if not self.policy.unrestricted:
            self.read(resource_type, id_)
        found = history.of_instance(self.connection, key, window)
        if not found and resources.read(self.connection, key) is None:
            raise NotFound(f"There is no {resource_type}/{id_} on this server.")
        return [version for version in found if version.id == id_]

    def log(self, types: Sequence[str], window: Window) -> list[Version]:
        """Return the versions of all resources of the types, newest first."""
        allowed = self.policy.permitted(types, "s")
        if not allowed:
            self.policy.right(types[0], "s")
        return history.of_types(self.connection, allowed, window)

    def count_history(self, types: Sequence[str], key: int, window: Window) -> int:
        """Count the versions of one resource, or with key 0 of all of the types."""
        if not self.policy.unrestricted:
            raise Forbidden(
                "Only who may see everything can have a history counted; read its pages instead.",
                "_summary",
            )
        if key:
            return history.count_instance(self.connection, key, window)
        return history.count_types(self.connection, types, window)

    def everything(
        self, phase: everything.Phase, selection: everything.Selection, after: int, limit: int
    ) -> list[Version]:
        """Return the members of a compartment, or what they refer to, by key; not yet `seen`."""
        return phase(self.connection, selection, after, limit)

    def terminology(self) -> Terminology:
        """Return what is known of codes: R4's, and what this connection sees of what is stored."""
        return terminology(lambda ask: ask(self.connection), self.base)

    # Writing

    def serialise(self, names: Iterable[str]) -> None:
        """Wait until no other transaction holds one of the names; hold them until this one ends."""
        for number in sorted({term(f"lock|{name}") for name in names}):
            self.connection.query("SELECT pg_advisory_xact_lock(%s)", (number,))

    def draft(self, body: Body, *, id_: str = "", method: str = "PUT") -> Draft:
        """Validate and index; Invalid lists every problem. Without an id a new one is made."""
        self._refuse_event(body.resource["resourceType"])
        return drafted(body, self.base, self.blobs, id_, method)

    def create(self, body: Body) -> Version:
        return self._write(self.draft(body, method="POST"), None)

    def update(self, draft: Draft, current: Version | None) -> Version:
        """Write over `current` (what `find` returned); Raced when it is not current any more."""
        return self._write(draft, current)

    def delete(
        self, resource_type: str, id_: str, if_match: int | None = None, besides: Sequence[int] = ()
    ) -> Version | None:
        """Delete; None when there is nothing (any more). Needs a transaction.

        Conflict names the first referrers when there are any but those whose keys are in `besides`,
        which the same transaction deletes or writes anew.
        """
        self._refuse_event(resource_type)
        self.policy.right(resource_type, "d")
        key = resource_key(f"{resource_type}/{id_}")
        resources.lock_for_delete(self.connection, [key])
        current = self.find(resource_type, id_, "d")
        if current is None or current.content is None:
            return None
        check_match(current, if_match)
        self._refuse_referred([key], besides)
        tombstone = Version(
            key, resource_type, id_, current.version + 1, _later(current), "DELETE", None
        )
        before = inner.may_contain(current)
        change = Change(tombstone, NO_ENTRY, current.version, contained_before=before)
        if not outbox.write(self.connection, change):
            raise Raced
        self._audited([tombstone])
        self.redefined |= resource_type == DEFINES
        self.consented |= resource_type == consents.TYPE
        return tombstone

    def lock(self, names: Iterable[str]) -> dict[str, Version]:
        """Return the current versions of these "Type/id", held until the transaction ends."""
        keys = sorted({resource_key(name) for name in names})
        found = resources.lock(self.connection, keys) if keys else []
        for version in self.guard.beyond(found, "u"):
            raise Forbidden(f"You may not change {version.type}/{version.id}.")
        return {f"{version.type}/{version.id}": self.whole(version) for version in found}

    def write_all(
        self, drafts: Sequence[Draft], current: dict[str, Version], places: Sequence[str] = ()
    ) -> list[Version]:
        """Write a whole bundle's resources at once; `current` is what `lock` returned of them.

        Places say where each draft stands, for the path of a problem; by default its type.
        """
        self.guard.permit(drafts, current)
        if self.integrity:
            self._require_targets(drafts, places)
        now = _now()
        changes = [
            self._change(draft, current.get(f"{draft.type}/{draft.id}"), now) for draft in drafts
        ]
        outbox.write_many(self.connection, changes)
        versions = [change.version for change in changes]
        self._audited(versions)
        return versions

    def _write(self, draft: Draft, current: Version | None) -> Version:
        before = {f"{draft.type}/{draft.id}": current} if current else {}
        self.guard.permit([draft], before)
        change = self._change(draft, current, _now())
        own = f"{draft.type}/{draft.id}"
        if self.integrity:
            required = [resource_key(name) for name in draft.targets if name != own]
            change = replace(change, required=required)
        if self.access is None:
            written = outbox.write(self.connection, change)
        else:
            with self.connection.whole():
                written = outbox.write(self.connection, change)
                self._audited([change.version] if written else [])
        if written:
            return change.version
        if self.integrity:
            self._require_targets([draft])
        raise Raced

    def _change(self, draft: Draft, current: Version | None, now: datetime) -> Change:
        self.redefined |= draft.type == DEFINES
        self.consented |= draft.type == consents.TYPE
        number = current.version if current else 0
        updated = max(now, _later(current)) if current else now
        content = stamp(draft.body, draft.id, number + 1, updated)
        version = Version(
            resource_key(f"{draft.type}/{draft.id}"),
            draft.type,
            draft.id,
            number + 1,
            updated,
            draft.method,
            content,
            draft.blob,
        )
        return Change(
            version,
            draft.entry,
            number,
            contained=draft.contained,
            contained_before=current is not None and inner.may_contain(current),
        )

    def _audited(self, versions: Sequence[Version]) -> None:
        if self.access is not None:
            trail.write_changes(self.connection, self.access, versions)

    # Referential integrity

    def _require_targets(self, drafts: Sequence[Draft], places: Sequence[str] = ()) -> None:
        own = {f"{draft.type}/{draft.id}" for draft in drafts}
        wanted = {
            name: resource_key(name)
            for draft in drafts
            for name in draft.targets
            if name not in own
        }
        absent = resources.missing(self.connection, sorted(wanted.values())) if wanted else set()
        if absent:
            names = {name for name, key in wanted.items() if key in absent}
            placed = zip(drafts, places or [draft.type for draft in drafts], strict=True)
            raise Invalid(issues=[issue for each in placed for issue in dangling(*each, names)])

    def refuse_referred(self, resource_type: str, id_: str) -> None:
        """Raise Conflict, naming the first referrers, when the resource could not be deleted."""
        self._refuse_referred([resource_key(f"{resource_type}/{id_}")])

    def _refuse_referred(self, keys: Sequence[int], besides: Sequence[int] = ()) -> None:
        if not self.integrity:
            return
        found = resources.referrers(self.connection, keys, [*keys, *besides], LISTED_REFERRERS + 1)
        if found:
            listed = found[:LISTED_REFERRERS]
            named = [f"{row[0]}/{row[1]}" for row in listed if self.guard.may_see(*row)]
            more = ["others"] if len(named) < len(found) else []
            names = " and ".join(filter(None, [", ".join(named), *more]))
            raise Conflict(f"Other resources refer to it: {names}. Change or delete those first.")


def _existing(version: Version) -> Version:
    if version.content is None:
        raise Gone(
            f"{version.type}/{version.id} was deleted (version {version.version}).",
            headers={"ETag": f'W/"{version.version}"'},
        )
    return version


def _now() -> datetime:
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _later(current: Version) -> datetime:
    """Return a time after the current version's, even when clocks disagree."""
    return max(_now(), current.last_updated + timedelta(milliseconds=1))
