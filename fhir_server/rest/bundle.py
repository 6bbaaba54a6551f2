"""POST of a Bundle to the base: batch or transaction, https://hl7.org/fhir/R4/http.html#transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TypeVar

from fhir_server import bundles, codec, outcome
from fhir_server.audit.access import Access
from fhir_server.binary import decode
from fhir_server.bundles import Entry
from fhir_server.codec import encode
from fhir_server.context import Store
from fhir_server.database import breathe
from fhir_server.errors import Invalid, Issue, Malformed
from fhir_server.repository import Repository
from fhir_server.rest import entries, outcomes, transaction
from fhir_server.rest.call import Call, show
from fhir_server.rest.entries import Item
from fhir_server.rest.interactions import Patch, patcher
from fhir_server.rest.web import FHIR_JSON, Request, Response
from fhir_server.search.reading import Terminology
from fhir_server.storage.parameters import Watch
from fhir_server.storage.resources import Version

T = TypeVar("T")
KEPT = frozenset({b"location", b"etag", b"last-modified"})


@dataclass(frozen=True, slots=True)
class Within:
    """A store for the entries of a transaction: everything happens in that transaction."""

    repository: Repository
    outer: Store

    @property
    def base(self) -> str:
        return self.outer.base

    @property
    def integrity(self) -> bool:
        return self.outer.integrity

    @property
    def watch(self) -> Watch:
        return self.outer.watch

    def terminology(self) -> Terminology:
        return self.repository.terminology()

    def end(self, _: int) -> None:
        """Keep nothing: the transaction is kept as a whole."""

    @property
    def access(self) -> Access | None:
        return None

    def learn(self) -> None:
        """Look for nothing: the outer store did when the transaction began."""

    def reading(self, work: Callable[[Repository], T]) -> T:
        return work(self.repository)

    single = writing = reading


def carry_out(call: Call) -> Response:
    body = call.any_sent()
    kind = body.resource.get("type")
    if body.resource["resourceType"] != "Bundle":
        raise Malformed(
            "Only a Bundle can be posted to the base; post a resource to its type, such as /Patient.",
            "resourceType",
        )
    if kind not in ("batch", "transaction"):
        raise Invalid(
            f"The Bundle's type has to be batch or transaction, not {kind!r}.", "Bundle.type"
        )
    if call.store.access is not None:
        call.store.access.interaction = kind
    work = _batch if kind == "batch" else _transaction
    answered = work(call, entries.items(body.resource, body.text, call.store.base))
    text = bundles.bundle(f"{kind}-response", answered)
    return show(replace(call, type=""), 200, text, [])


# Batch: each entry for itself


def _batch(call: Call, items: Sequence[Item]) -> list[Entry]:
    answered = []
    for item in items:
        response = (
            outcomes.answer(item.problem)
            if item.problem
            else _dispatched(call, call.store.again(), item)
        )
        answered.append(_answered(response))
        breathe()
    return answered


def _dispatched(call: Call, store: Store | Within, item: Item) -> Response:
    return call.dispatch(store, call.limits, request_of(call, item))


def request_of(call: Call, item: Item) -> Request:
    """Return the entry as the request that it stands for."""
    stated = {
        **item.headers,
        "accept": "application/fhir+json",
        "prefer": call.request.header("prefer") or "return=minimal",
    }
    if item.text:
        stated["content-type"] = "application/fhir+json"
    body = item.text
    if item.method == "PATCH" and (item.resource or {}).get("resourceType") == "Binary":
        # https://hl7.org/fhir/R4/http.html#jsonpatch: a JSON Patch travels in a Binary.
        stated["content-type"], body = "application/json-patch+json", _patch_document(item)
    return Request(item.method, item.path, item.query, stated, body, call.request.peer)


def _patch_document(item: Item) -> bytes:
    return decode(str((item.resource or {}).get("data", "")))


def _answered(response: Response) -> Entry:
    stated = {
        name.decode(): value.decode("latin-1") for name, value in response.headers if name in KEPT
    }
    said = _response(response.status, stated)
    if response.status >= 400:
        return Entry(response=_with_outcome(said, response.body))
    resource = response.body if response.body and response.content_type == FHIR_JSON else None
    return Entry(resource=resource, response=encode(said))


def _response(status: int, stated: dict[str, str]) -> dict[str, str]:
    said = {"status": f"{status} {HTTPStatus(status).phrase}"}
    if "location" in stated:
        said["location"] = stated["location"]
    if "etag" in stated:
        said["etag"] = stated["etag"]
    return said


def _with_outcome(said: dict[str, str], outcome: bytes) -> bytes:
    return encode(said)[:-1] + b',"outcome":' + outcome + b"}"


# A transaction is carried out as a whole or not at all


def _transaction(call: Call, items: Sequence[Item]) -> list[Entry]:
    entries.refuse_problems(items)

    def work(repository: Repository) -> list[Entry]:
        for item in items:
            item.reset()
        versions = transaction.write(repository, items, lambda item: _patcher(call, item))
        inside = Within(repository, call.store)
        return [_entry(call, inside, item, versions.get(item.index)) for item in items]

    return call.store.writing(work)


def _successful(item: Item, response: Response) -> Response:
    """Raise Invalid for a read that failed: it fails the whole transaction."""
    if response.status < 400:
        return response
    said = codec.decode_again(response.body)["issue"]
    raise Invalid(issues=[Issue(each["code"], each["diagnostics"], item.place) for each in said])


def _patcher(call: Call, item: Item) -> Patch:
    return patcher(replace(call, request=request_of(call, item)))


def _entry(call: Call, inside: Within, item: Item, version: Version | None) -> Entry:
    if item.method in ("GET", "HEAD"):
        return _answered(_successful(item, _dispatched(call, inside, item)))
    if version is None or version.content is None:
        etag = {"etag": f'W/"{version.version}"'} if version else {}
        return Entry(response=encode(_response(204, etag)))
    said: dict[str, object] = {
        **_response(200 if item.done else item.status, {}),
        "location": f"{version.type}/{version.id}/_history/{version.version}",
        "etag": f'W/"{version.version}"',
        "lastModified": version.last_updated.isoformat(timespec="milliseconds"),
    }
    if call.prefers("return") == "OperationOutcome":
        said["outcome"] = outcome.information(f"{version.type}/{version.id} is stored.")
    whole = call.prefers("return") == "representation"
    return Entry(
        f"{call.store.base}/{version.type}/{version.id}",
        version.content.encode() if whole else None,
        response=encode(said),
    )
