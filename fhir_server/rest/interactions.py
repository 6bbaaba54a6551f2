"""Interactions on one resource: read, vread, create, update, patch, delete, and their conditional forms.

https://hl7.org/fhir/R4/http.html#read and following sections.
"""

from __future__ import annotations

from collections.abc import Callable

from fhir_server import codec, patch
from fhir_server.codec import Body, Resource
from fhir_server.errors import (
    Malformed,
    MultipleMatches,
    NotFound,
    PreconditionFailed,
)
from fhir_server.preconditions import check_match
from fhir_server.repository import Repository
from fhir_server.rest import binaries, criteria, headers, provenance
from fhir_server.rest.call import Call, show, written
from fhir_server.rest.web import Response
from fhir_server.storage.resources import Version

Patch = Callable[[Resource], Resource]


def read(call: Call) -> Response:
    version = call.store.reading(lambda repository: repository.read(call.type, call.id))
    return _shown(call, version)


def vread(call: Call) -> Response:
    version = call.store.reading(
        lambda repository: repository.vread(call.type, call.id, call.version)
    )
    return _shown(call, version)


def _shown(call: Call, version: Version) -> Response:
    asked = call.request.headers
    if "if-none-match" in asked or "if-modified-since" in asked:
        since = asked.get("if-modified-since", "")
        if headers.unmodified(version, asked.get("if-none-match", ""), since):
            return Response(304, b"", headers.versioned(version))
    if call.type == "Binary" and (raw := binaries.raw(call, version)):
        return raw
    return show(call, 200, version.content or "", headers.versioned(version))


def create(call: Call) -> Response:
    body = binaries.sent(call) if call.type == "Binary" else call.sent()
    wanted = call.request.header("if-none-exist")
    if wanted:
        found = criteria.header(call.type, wanted, call.store.terminology())
        status, version = call.store.writing(
            lambda repository: _create_unless(repository, body, found)
        )
    else:
        status, version = provenance.single(call, lambda repository: (201, repository.create(body)))
    return written(call, version, status)


def _create_unless(
    repository: Repository, body: Body, found: criteria.Criteria
) -> tuple[int, Version]:
    matches = criteria.matches(repository, found)
    if len(matches) > 1:
        raise too_many(matches)
    return (200, matches[0]) if matches else (201, repository.create(body))


def update(call: Call) -> Response:
    body = binaries.sent(call) if call.type == "Binary" else call.sent()
    if body.resource.get("id") != call.id:
        raise Malformed(
            f"The resource's id {body.resource.get('id')!r} is not the one in the address, {call.id!r}.",
            f"{call.type}.id",
        )
    expected = headers.if_match(call.request.header("if-match"))
    fresh = call.request.header("if-none-match").strip() == "*"
    status, version = provenance.single(
        call, lambda repository: put(repository, call.id, body, expected, fresh=fresh)
    )
    return written(call, version, status)


def put(
    repository: Repository, id_: str, body: Body, expected: int | None, *, fresh: bool = False
) -> tuple[int, Version]:
    """Store under this id; 201 when nothing was there (or it had been deleted), else 200."""
    draft = repository.draft(body, id_=id_)
    current = repository.find(draft.type, id_)
    alive = current is not None and current.content is not None
    if fresh and alive:
        raise PreconditionFailed(
            f"{draft.type}/{id_} exists already, and If-None-Match: * forbids that."
        )
    if current is not None:
        check_match(current, expected)
    elif expected is not None:
        raise PreconditionFailed(
            f"If-Match asks for a version of {draft.type}/{id_}, but there is none."
        )
    return (200 if alive else 201), repository.update(draft, current)


def patch_(call: Call) -> Response:
    expected = headers.if_match(call.request.header("if-match"))
    change = patcher(call)
    status, version = provenance.single(
        call, lambda repository: (200, patched(repository, call.type, call.id, change, expected))
    )
    return written(call, version, status)


def patcher(call: Call) -> Patch:
    """Return the change that the body asks for."""
    if call.sent_kind("json-patch", "json", "xml") == "json-patch":
        operations = codec.decode(call.request.body)
        return lambda resource: patch.apply_json_patch(resource, operations)
    parameters = call.any_sent().resource
    return lambda resource: patch.apply_fhirpath_patch(resource, parameters)


def patched(
    repository: Repository, type_: str, id_: str, change: Patch, expected: int | None
) -> Version:
    current = repository.read(type_, id_)
    check_match(current, expected)
    before = codec.decode((current.content or "").encode())
    body = codec.made(change(before))
    return repository.update(repository.draft(body, id_=id_, method="PATCH"), current)


def delete(call: Call) -> Response:
    expected = headers.if_match(call.request.header("if-match"))
    version = call.store.writing(lambda repository: repository.delete(call.type, call.id, expected))
    return Response(204, b"", [headers.etag(version.version)] if version else [])


# By criteria instead of an id


def update_where(call: Call) -> Response:
    body = call.sent()
    found = criteria.query(call.type, call.criteria(), call.store.terminology())
    expected = headers.if_match(call.request.header("if-match"))
    status, version = call.store.writing(
        lambda repository: put_where(repository, body, found, expected)
    )
    return written(call, version, status)


def put_where(
    repository: Repository, body: Body, found: criteria.Criteria, expected: int | None
) -> tuple[int, Version]:
    """https://hl7.org/fhir/R4/http.html#cond-update: none creates, one updates, more are refused."""
    matches = criteria.matches(repository, found)
    if len(matches) > 1:
        raise too_many(matches)
    sent_id = body.resource.get("id")
    if not matches:
        if sent_id is None:
            return 201, repository.create(body)
        return put(repository, str(sent_id), body, expected, fresh=True)
    if sent_id is not None and sent_id != matches[0].id:
        raise Malformed(
            f"The criteria find {matches[0].type}/{matches[0].id}, but the resource's id is {sent_id!r}.",
            f"{matches[0].type}.id",
        )
    return put(repository, matches[0].id, body, expected)


def patch_where(call: Call) -> Response:
    found = criteria.query(call.type, call.criteria(), call.store.terminology())
    expected = headers.if_match(call.request.header("if-match"))
    change = patcher(call)

    def work(repository: Repository) -> Version:
        match = one(criteria.matches(repository, found), call.type)
        return patched(repository, call.type, match.id, change, expected)

    return written(call, call.store.writing(work), 200)


def delete_where(call: Call) -> Response:
    found = criteria.query(call.type, call.criteria(), call.store.terminology())

    def work(repository: Repository) -> None:
        matches = criteria.matches(repository, found)
        if len(matches) > 1:
            raise too_many(matches)
        for match in matches:
            repository.delete(call.type, match.id)

    call.store.writing(work)
    return Response(204)


def one(matches: list[Version], type_: str) -> Version:
    if not matches:
        raise NotFound(f"No {type_} matches the criteria.")
    if len(matches) > 1:
        raise too_many(matches)
    return matches[0]


def too_many(matches: list[Version]) -> MultipleMatches:
    return MultipleMatches(
        f"The criteria match more than one {matches[0].type}; make them narrower, "
        "for instance by an identifier with its system."
    )
