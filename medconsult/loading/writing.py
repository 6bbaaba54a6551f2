"""Records into the store: bundles as transactions, lines in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from fhir_server import codec
from fhir_server.codec import Body, Resource
from fhir_server.context import Store
from fhir_server.drafts import Draft
from fhir_server.errors import FHIRError, Invalid, Issue, Unavailable
from fhir_server.repository import Repository
from fhir_server.rest import bundle, entries, outcomes, routes, transaction
from fhir_server.rest.call import Call, Limits
from fhir_server.rest.entries import Item
from fhir_server.rest.interactions import Patch, patcher
from fhir_server.rest.web import Request
from fhir_server.search.term import resource_key
from fhir_server.storage import resources

BUNDLES = frozenset({"transaction", "batch", "collection", "searchset"})
BATCH = 500
LIMITS = Limits()
Numbered = tuple[int, Draft]
"""A draft and the line it came from."""
TO_BASE = Request("POST", "", "", {"content-type": "application/fhir+json"}, b"")


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    place: str
    """Of the record in its file: "line 7", "entry 3", or "" for the whole file."""
    issues: Sequence[Issue]


@dataclass(slots=True)
class Outcome:
    stored: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    dangling: set[str] = field(default_factory=set)
    """ "Type/id" referred to and not there."""

    def add(self, other: Outcome) -> None:
        self.stored += other.stored
        self.rejected += other.rejected
        self.dangling |= other.dangling


# A file that is one resource: a bundle of records, or any other resource


def write_document(store: Store, raw: bytes) -> Outcome:
    """Store what a .json file holds; a FHIRError rejects all of it."""
    body = codec.body(raw)
    kind = body.resource.get("type")
    if body.resource["resourceType"] != "Bundle" or kind not in BUNDLES:
        return write_lines(store, [Line(1, body.text)])
    if kind == "batch":
        return _batch(store, body.text)
    if kind != "transaction":
        body = Body(as_transaction(body.resource), body.text)
    return _transaction(store, entries.items(body.resource, body.text))


def as_transaction(collection: Resource) -> Resource:
    """Ask for each resource to be put under its own id, or to be created when it has none."""
    found = collection.get("entry", [])
    listed = found if isinstance(found, list) else []
    return {**collection, "entry": [_requested(entry) for entry in listed]}


def _requested(entry: object) -> object:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(resource, dict):
        return entry
    kind, id_ = resource.get("resourceType"), resource.get("id")
    request = {"method": "PUT", "url": f"{kind}/{id_}"} if id_ else {"method": "POST", "url": kind}
    return {**entry, "request": request}


def _transaction(store: Store, items: Sequence[Item]) -> Outcome:
    entries.refuse_problems(items)
    call = Call(store, LIMITS, TO_BASE)

    def patch(item: Item) -> Patch:
        return patcher(replace(call, request=bundle.request_of(call, item)))

    def work(repository: Repository) -> int:
        for item in items:
            item.reset()
        return len(transaction.write(repository, items, patch))

    return Outcome(store.writing(work))


def _batch(store: Store, text: bytes) -> Outcome:
    request = replace(TO_BASE, body=text)
    answered = codec.decode_again(routes.dispatch(store, LIMITS, request).body)
    outcome = Outcome()
    for index, entry in enumerate(answered.get("entry", [])):
        if entry["response"]["status"] < "400":
            outcome.stored += 1
        else:
            said = entry["response"].get("outcome", {})
            outcome.rejected.append(Rejected(f"entry {index}", _issues(said)))
    return outcome


def _issues(outcome: Resource) -> list[Issue]:
    return [
        Issue(issue["code"], issue.get("diagnostics", ""), (issue.get("expression") or [""])[0])
        for issue in outcome.get("issue", [])
    ]


# Lines of NDJSON


def write_lines(store: Store, lines: Sequence[Line]) -> Outcome:
    """Store lines in one transaction, rejected ones left out.

    References may lead to what comes later: those that lead nowhere yet are in the outcome.
    """
    outcome = Outcome()
    drafts: list[Numbered] = []

    def work(repository: Repository) -> None:
        for line in lines:
            try:
                drafts.append((line.number, _draft(repository, line.text)))
            except FHIRError as error:
                outcome.rejected.append(Rejected(f"line {line.number}", error.all_issues()))

    store.reading(work)
    for group in _without_repetition(drafts):
        outcome.add(_write(replace(store, integrity=False), group))
    if store.integrity:
        outcome.dangling = store.reading(lambda repository: absent(repository, _targets(drafts)))
    return outcome


def _without_repetition(drafts: Sequence[Numbered]) -> Iterator[list[Numbered]]:
    """Begin a new group, and so a new transaction, where a resource comes once more."""
    group: list[Numbered] = []
    names: set[tuple[str, str]] = set()
    for number, draft in drafts:
        name = (draft.type, draft.id)
        if name in names:
            yield group
            group, names = [], set()
        group.append((number, draft))
        names.add(name)
    yield group


def _draft(repository: Repository, text: bytes) -> Draft:
    body = codec.body(text)
    id_ = body.resource.get("id")
    if id_ is None:
        return repository.draft(body, method="POST")
    if not isinstance(id_, str):
        raise Invalid("The id has to be a string.", f"{body.resource['resourceType']}.id")
    return repository.draft(body, id_=id_)


def _write(store: Store, drafts: Sequence[Numbered]) -> Outcome:
    """Write all; when PostgreSQL refuses, halve until what it refuses stands alone."""
    if not drafts:
        return Outcome()

    def work(repository: Repository) -> int:
        named = [f"{draft.type}/{draft.id}" for _, draft in drafts if draft.method == "PUT"]
        current = repository.lock(named)
        return len(repository.write_all([draft for _, draft in drafts], current))

    try:
        return Outcome(store.writing(work))
    except Exception as error:
        expected = outcomes.expected(error)
        if expected is None or isinstance(expected, Unavailable):
            raise
        if len(drafts) == 1:
            return Outcome(rejected=[Rejected(f"line {drafts[0][0]}", expected.all_issues())])
    middle = len(drafts) // 2
    outcome = _write(store, drafts[:middle])
    outcome.add(_write(store, drafts[middle:]))
    return outcome


def _targets(drafts: Sequence[Numbered]) -> set[str]:
    own = {f"{draft.type}/{draft.id}" for _, draft in drafts}
    return {name for _, draft in drafts for name in draft.targets if name not in own}


def absent(repository: Repository, names: set[str]) -> set[str]:
    """Return those of the "Type/id" that do not exist."""
    keys = {resource_key(name): name for name in names}
    if not keys:
        return set()
    return {keys[key] for key in resources.missing(repository.connection, sorted(keys))}
