"""A transaction: all of its entries or none, https://hl7.org/fhir/R4/http.html#transaction.

Identities first (which entry is which resource), then references, then validation of all, then the
writes in a few statements. Reads come after, see `bundle`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from fhir_server import codec, references
from fhir_server.codec import Body
from fhir_server.database import breathe
from fhir_server.definitions import structures
from fhir_server.drafts import Draft, new_id
from fhir_server.errors import FHIRError, Invalid, Issue, PreconditionFailed
from fhir_server.preconditions import check_match
from fhir_server.repository import Repository
from fhir_server.rest import criteria, headers
from fhir_server.rest.criteria import Criteria
from fhir_server.rest.entries import Item, within
from fhir_server.rest.interactions import Patch, one, too_many
from fhir_server.rest.web import pairs
from fhir_server.search.term import resource_key
from fhir_server.storage.resources import Version

Patcher = Callable[[Item], Patch]
Current = dict[str, Version]


def write(repository: Repository, items: Sequence[Item], patcher: Patcher) -> dict[int, Version]:
    """Carry out every write; returns the versions by entry index. Needs a transaction."""
    writes = [item for item in items if item.method not in ("GET", "HEAD")]
    _refuse_operations(writes)
    names = _identify(repository, writes)
    _refuse_overlap(writes)
    versions = _delete(repository, writes)
    stored = [item for item in writes if item.method != "DELETE" and not item.done]
    current = repository.lock(_name(item) for item in stored if item.method != "POST")
    resolver = Resolver(repository, names)
    drafts = _drafts(repository, stored, current, resolver, patcher)
    written = repository.write_all(drafts, current, [f"{item.place}.resource" for item in stored])
    for item, version in zip(stored, written, strict=True):
        versions[item.index] = version
    for item in writes:
        if item.done and item.method != "DELETE":
            versions[item.index] = repository.read(item.type, item.id)
    return versions


@contextlib.contextmanager
def _placed(item: Item) -> Iterator[None]:
    """Say of what goes wrong in which entry it did."""
    try:
        yield
    except FHIRError as error:
        raise type(error)(issues=within(error, item.place), headers=error.headers) from error


def _name(item: Item) -> str:
    return f"{item.type}/{item.id}"


# Which entry is which resource


def _identify(repository: Repository, writes: Sequence[Item]) -> dict[str, str]:
    """Find or make every id; returns what the bundle calls its resources -> "Type/id"."""
    wanted = {}
    for item in writes:
        with _placed(item):
            wanted[item.index] = _criteria(item, repository)
    repository.serialise(found.name for found in wanted.values() if found)
    names: dict[str, str] = {}
    for item in writes:
        with _placed(item):
            _resolve(repository, item, wanted[item.index], names)
        if item.id and item.method != "DELETE":
            names.update(dict.fromkeys(_called(item), _name(item)))
    return names


def _criteria(item: Item, repository: Repository) -> Criteria | None:
    if item.method == "POST":
        text = item.headers.get("if-none-exist")
        return criteria.header(item.type, text, repository.terminology()) if text else None
    if not item.query:
        return None
    return criteria.query(item.type, pairs(item.query), repository.terminology())


def _resolve(
    repository: Repository, item: Item, found: Criteria | None, names: dict[str, str]
) -> None:
    """Set the item's id, and `done` when nothing has to be written."""
    if found is None:
        item.id = item.id or new_id()
        return
    if item.method == "POST" and found.name in names:
        # The same criteria stood in an earlier entry: that one's resource is what exists now.
        item.id, item.done = names[found.name].partition("/")[2], True
        return
    matches = criteria.found(repository, found)
    if len(matches) > 1:
        raise too_many(matches)
    if item.method == "PATCH":
        one(matches, item.type)
    item.done = bool(matches) if item.method == "POST" else item.method == "DELETE" and not matches
    sent = (item.resource or {}).get("id") if item.method == "PUT" else None
    if matches and sent is not None and sent != matches[0].id:
        raise Invalid(
            f"The criteria find {matches[0].type}/{matches[0].id}, but the id is {sent!r}.",
            "resource.id",
        )
    item.id = matches[0].id if matches else str(sent) if sent is not None else new_id()
    if item.method == "POST":
        names[found.name] = _name(item)


def _called(item: Item) -> list[str]:
    """Return the names by which other entries may refer to this one."""
    if not item.full_url:
        return []
    called = [item.full_url]
    if item.full_url.startswith(("http://", "https://")):
        # https://hl7.org/fhir/R4/bundle.html#references: relative ones resolve against the fullUrl's base.
        called.append("/".join(item.full_url.split("/")[-2:]))
    return called


def _refuse_operations(writes: Sequence[Item]) -> None:
    for item in writes:
        if "$" in item.path:
            text = "A transaction does not run operations; send them alone or in a batch."
            raise Invalid(issues=[Issue("not-supported", text, f"{item.place}.request.url")])


def _refuse_overlap(writes: Sequence[Item]) -> None:
    """Refuse two entries for one resource, and two of one name (the invariant bdl-7)."""
    called: dict[str, int] = {}
    for item in writes:
        first = called.setdefault(item.full_url, item.index)
        if item.full_url and first != item.index:
            text = f"Entries {first} and {item.index} have the same fullUrl; give each its own."
            raise Invalid(issues=[Issue("duplicate", text, f"{item.place}.fullUrl")])
    seen: dict[str, int] = {}
    for item in writes:
        if item.done:
            continue
        first = seen.setdefault(_name(item), item.index)
        if first != item.index:
            text = f"Entries {first} and {item.index} both write {_name(item)}; keep one of them."
            raise Invalid(issues=[Issue("duplicate", text, item.place)])


# Writing


def _delete(repository: Repository, writes: Sequence[Item]) -> dict[int, Version]:
    versions = {}
    besides = [resource_key(_name(item)) for item in writes if not item.done]
    for item in writes:
        if item.method == "DELETE" and not item.done:
            with _placed(item):
                match = headers.if_match(item.headers.get("if-match", ""))
                gone = repository.delete(item.type, item.id, match, besides)
            if gone:
                versions[item.index] = gone
    return versions


class Resolver:
    """What a reference in the bundle becomes."""

    def __init__(self, repository: Repository, names: dict[str, str]) -> None:
        self.repository = repository
        self.names = names
        self.has_addresses = any(name.startswith(("http://", "https://")) for name in names)

    def may_stand_in(self, text: bytes) -> bool:
        """Tell, without a closer look, whether the text may hold the full URL of an entry."""
        return self.has_addresses or b"urn:uuid:" in text or b"urn:oid:" in text

    def reference(self, written: str) -> str:
        target, mark, fragment = written.partition("#")
        if target in self.names:
            return self.names[target] + mark + fragment
        type_, asks, _ = target.partition("?")
        if asks and structures.is_resource_type(type_):
            self.names[target] = self._search(target)
            return self.names[target]
        return written

    def url(self, written: str) -> str:
        return self.names.get(written, written)

    def _search(self, target: str) -> str:
        type_, _, query = target.partition("?")
        found = criteria.query(type_, pairs(query), self.repository.terminology())
        if found.name in self.names:
            return self.names[found.name]
        matches = criteria.found(self.repository, found)
        if len(matches) != 1:
            count = "more than one resource" if matches else "no resource"
            raise PreconditionFailed(
                f"The conditional reference {target} finds {count}; it has to find one."
            )
        return f"{matches[0].type}/{matches[0].id}"


def _drafts(
    repository: Repository,
    stored: Sequence[Item],
    current: Current,
    resolver: Resolver,
    patcher: Patcher,
) -> list[Draft]:
    """Rewrite, validate and index every resource; Invalid lists the problems of all entries."""
    drafts, problems = [], []
    for item in stored:
        try:
            body = (
                _patched(item, current, patcher)
                if item.method == "PATCH"
                else _body(item, resolver)
            )
            _check_current(item, current.get(_name(item)))
            drafts.append(repository.draft(body, id_=item.id, method=item.method))
        except Invalid as error:
            problems.extend(within(error, item.place))
        except FHIRError as error:
            raise type(error)(issues=within(error, item.place), headers=error.headers) from error
        breathe()
    if problems:
        raise Invalid(issues=problems)
    return drafts


def _check_current(item: Item, current: Version | None) -> None:
    """Check the entry's conditions and set its status."""
    alive = current is not None and current.content is not None
    expected = headers.if_match(item.headers.get("if-match", ""))
    if current is not None:
        check_match(current, expected)
    elif expected is not None:
        raise PreconditionFailed(f"ifMatch asks for a version of {_name(item)}, but there is none.")
    if alive and item.headers.get("if-none-match") == "*":
        raise PreconditionFailed(f"{_name(item)} exists already, and ifNoneMatch * forbids that.")
    item.status = 200 if alive else 201


def _patched(item: Item, current: Current, patcher: Patcher) -> Body:
    version = current.get(_name(item))
    if version is None or version.content is None:
        raise Invalid(f"There is no {_name(item)} to patch.", "request.url")
    return codec.made(patcher(item)(codec.decode(version.content.encode())))


def _body(item: Item, resolver: Resolver) -> Body:
    text = references.rewrite(item.text, resolver.reference)
    resource = item.resource or {}
    if text != item.text:
        resource = codec.decode_again(text)
    if resolver.may_stand_in(text) and any(
        name in resolver.names for name in references.urns(text)
    ):
        resource = references.rewrite_tree(resource, item.type, resolver.url)  # type: ignore[assignment]
        return codec.made(resource)
    return Body(resource, text)
