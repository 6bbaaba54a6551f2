"""The one door to the data, for REST, portal, billing, apps and jobs alike.

A repository is made of one connection (in a transaction or not). Every write validates, checks
references and indexes; every read tells a missing resource from a deleted one.
https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from fhir_server import binary, references, validation
from fhir_server.codec import Body, encode, join, members
from fhir_server.database import Connection, Raced
from fhir_server.errors import Conflict, Gone, Invalid, Issue, NotFound, PreconditionFailed
from fhir_server.search import defining
from fhir_server.search.contained import Contained, contained
from fhir_server.search.entry import NO_ENTRY, Entry, entry
from fhir_server.search.query import Query
from fhir_server.search.reading import Terminology
from fhir_server.search.term import resource_key, term
from fhir_server.storage import contained as inner
from fhir_server.storage import resources, searches
from fhir_server.storage.blobs import Blobs
from fhir_server.storage.resources import Change, Version
from fhir_server.terminology.stored import terminology

LISTED_REFERRERS = 10
ANY_VERSION = 0  # If-Match: * asks that there is one
DEFINES = "SearchParameter"
"""The type whose resources change how all others are indexed."""
STAMPED = ("resourceType", "id", "meta")


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource to be written, already valid and indexed, not yet stamped with version and time."""

    type: str
    id: str
    body: Body
    entry: Entry
    targets: tuple[str, ...]
    """Literal references to this server, "Type/id"."""
    method: str = "PUT"
    blob: str | None = None
    contained: tuple[Contained, ...] = ()


@dataclass(slots=True)
class Repository:
    connection: Connection
    blobs: Blobs
    base: str
    """The server's FHIR base URL, without a slash at the end."""
    integrity: bool = True
    redefined: bool = False
    """Whether what is searched by was changed here: a SearchParameter was written."""

    # Reading

    def find(self, resource_type: str, id_: str) -> Version | None:
        """Return the current version, also when it is a deletion; None when there never was one."""
        version = resources.read(self.connection, resource_key(f"{resource_type}/{id_}"))
        # The key is a hash: the name is what counts.
        if version is None or version.id != id_ or version.type != resource_type:
            return None
        return self.whole(version)

    def read(self, resource_type: str, id_: str) -> Version:
        version = self.find(resource_type, id_)
        if version is None:
            raise NotFound(f"There is no {resource_type}/{id_} on this server.")
        return _existing(version)

    def vread(self, resource_type: str, id_: str, number: str) -> Version:
        version = None
        if number.isascii() and number.isdigit() and len(number) < 10:
            key = resource_key(f"{resource_type}/{id_}")
            version = resources.vread(self.connection, key, int(number))
        if version is None or version.id != id_ or version.type != resource_type:
            raise NotFound(f"There is no version {number} of {resource_type}/{id_}.")
        return self.whole(_existing(version))

    def whole(self, version: Version) -> Version:
        """Put content that lies in the blob store back into the resource."""
        return binary.attach(version, self.blobs) if version.blob else version

    def search(self, query: Query) -> list[Version]:
        """Return the query's first page: at most its count of matches."""
        found = searches.first(self.connection, query, query.count, self.base)
        return [self.whole(version) for version in found]

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
        validation.check(body.resource)
        resource_type = body.resource["resourceType"]
        if resource_type == DEFINES:
            defining.check(f"{DEFINES}/{id_}", body.resource)
        targets = references.local(body.text, self.base)
        body, blob = binary.detach(body, self.blobs)
        id_ = id_ or new_id()
        resource = body.resource if body.resource.get("id") == id_ else {**body.resource, "id": id_}
        indexed = entry(resource, targets, self.base)
        parts = contained(resource, body.text, self.base)
        return Draft(resource_type, id_, body, indexed, tuple(targets), method, blob, parts)

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
        key = resource_key(f"{resource_type}/{id_}")
        resources.lock_for_delete(self.connection, [key])
        current = self.find(resource_type, id_)
        if current is None or current.content is None:
            return None
        check_match(current, if_match)
        self._refuse_referred([key], besides)
        tombstone = Version(
            key, resource_type, id_, current.version + 1, _later(current), "DELETE", None
        )
        before = may_contain(current)
        change = Change(tombstone, NO_ENTRY, current.version, contained_before=before)
        if not inner.write(self.connection, change):
            raise Raced
        self.redefined |= resource_type == DEFINES
        return tombstone

    def lock(self, names: Iterable[str]) -> dict[str, Version]:
        """Return the current versions of these "Type/id", held until the transaction ends."""
        keys = sorted({resource_key(name) for name in names})
        found = resources.lock(self.connection, keys) if keys else []
        return {f"{version.type}/{version.id}": self.whole(version) for version in found}

    def write_all(
        self, drafts: Sequence[Draft], current: dict[str, Version], places: Sequence[str] = ()
    ) -> list[Version]:
        """Write a whole bundle's resources at once; `current` is what `lock` returned of them.

        Places say where each draft stands, for the path of a problem; by default its type.
        """
        if self.integrity:
            self._require_targets(drafts, places)
        now = _now()
        changes = [
            self._change(draft, current.get(f"{draft.type}/{draft.id}"), now) for draft in drafts
        ]
        inner.write_many(self.connection, changes)
        return [change.version for change in changes]

    def _write(self, draft: Draft, current: Version | None) -> Version:
        change = self._change(draft, current, _now())
        own = f"{draft.type}/{draft.id}"
        if self.integrity:
            required = [resource_key(name) for name in draft.targets if name != own]
            change = replace(change, required=required)
        if inner.write(self.connection, change):
            return change.version
        if self.integrity:
            self._require_targets([draft])
        raise Raced

    def _change(self, draft: Draft, current: Version | None, now: datetime) -> Change:
        self.redefined |= draft.type == DEFINES
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
            contained_before=current is not None and may_contain(current),
        )

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
            raise Invalid(issues=[issue for each in placed for issue in _dangling(*each, names)])

    def refuse_referred(self, resource_type: str, id_: str) -> None:
        """Raise Conflict, naming the first referrers, when the resource could not be deleted."""
        self._refuse_referred([resource_key(f"{resource_type}/{id_}")])

    def _refuse_referred(self, keys: Sequence[int], besides: Sequence[int] = ()) -> None:
        if not self.integrity:
            return
        found = resources.referrers(self.connection, keys, [*keys, *besides], LISTED_REFERRERS + 1)
        if found:
            names = ", ".join(f"{row[0]}/{row[1]}" for row in found[:LISTED_REFERRERS])
            more = " and others" if len(found) > LISTED_REFERRERS else ""
            raise Conflict(
                f"Other resources refer to it: {names}{more}. Change or delete those first."
            )


def may_contain(version: Version) -> bool:
    """Tell whether the version contains resources, or anything within it does, or its text hides that."""
    text = version.content or ""
    # A client may have written the name with escapes, which are kept.
    return '"contained":[' in text or "\\u00" in text


def new_id() -> str:
    return str(uuid.uuid4())


def check_match(current: Version, if_match: int | None) -> None:
    if if_match == ANY_VERSION and current.content is None:
        raise PreconditionFailed(
            f"If-Match asks for {current.type}/{current.id}, which was deleted."
        )
    if if_match and current.version != if_match:
        raise PreconditionFailed(
            f"If-Match names version {if_match}, but the current version is {current.version}; "
            "read it again and repeat the change on it.",
            headers={"ETag": f'W/"{current.version}"'},
        )


def stamp(body: Body, id_: str, version: int, updated: datetime) -> str:
    """Return the stored text: the client's own, with id, versionId and lastUpdated set by the server."""
    meta = body.resource.get("meta")
    stamped = {
        **(meta if isinstance(meta, dict) else {}),
        "versionId": str(version),
        "lastUpdated": instant(updated),
    }
    head = b'{"resourceType":"%b","id":"%b","meta":%b' % (
        body.resource["resourceType"].encode(),
        id_.encode(),
        encode(stamped),
    )
    return (head + _rest(body)).decode()


def _rest(body: Body) -> bytes:
    """Return the text after resourceType, id and meta, from the comma or brace on."""
    text, stated = (
        body.text,
        {name: body.resource[name] for name in STAMPED if name in body.resource},
    )
    # Most texts begin with just these, or end with meta, so need not be taken apart.
    if "meta" in stated and next(reversed(body.resource)) == "meta":
        end = b',"meta":%b}' % encode(stated.pop("meta"))
        text = text[: -len(end)] + b"}" if text.endswith(end) else b""
    begin = encode(stated)[:-1]
    if text.startswith(begin) and text[len(begin) : len(begin) + 1] in (b",", b"}"):
        return text[len(begin) :]
    parts = members(body.text)
    rest = join((name, text) for name, text in parts.items() if name not in STAMPED)
    return b"}" if rest == b"{}" else b"," + rest[1:]


@lru_cache(maxsize=8)
def instant(moment: datetime) -> str:
    """Format as FHIR instant in UTC with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


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


def _dangling(draft: Draft, place: str, absent: set[str]) -> list[Issue]:
    return [
        Issue(
            "not-found",
            f"{draft.type} refers to {name}, which does not exist on this server; "
            "create it first or send both in one transaction.",
            _reference_path(draft.body.resource, name, place) or place,
        )
        for name in draft.targets
        if name in absent
    ]


def _reference_path(node: object, name: str, path: str) -> str:
    """Return the FHIRPath of the first element that refers to the name."""
    if isinstance(node, list):
        pairs: Iterable[tuple[str, object]] = (
            (f"{path}[{i}]", item) for i, item in enumerate(node)
        )
    elif isinstance(node, dict):
        written = node.get("reference")
        if isinstance(written, str) and (written == name or f"/{name}" in f"/{written}"):
            return f"{path}.reference"
        pairs = ((f"{path}.{key}", value) for key, value in node.items())
    else:
        return ""
    return next((found for at, item in pairs if (found := _reference_path(item, name, at))), "")
