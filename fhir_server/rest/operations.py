"""Operations over HTTP, https://hl7.org/fhir/R4/operations.html#executing."""

from __future__ import annotations

from dataclasses import replace

from fhir_server.errors import Forbidden, MethodNotAllowed, NotSupported
from fhir_server.operations import OPERATIONS, Operation
from fhir_server.operations.asked import Asked
from fhir_server.repository import Repository
from fhir_server.rest.call import Call, show
from fhir_server.rest.history import page_size
from fhir_server.rest.web import Response

_PAGE = 1000  # of $everything: whole records are what is asked for


def system(call: Call) -> Response:
    return _run(call, "system")


def of_type(call: Call) -> Response:
    return _run(call, "type")


def of_instance(call: Call) -> Response:
    return _run(call, "instance")


def _run(call: Call, level: str) -> Response:
    operation = _named(call, level)
    if operation.changes and call.request.method != "POST":
        raise MethodNotAllowed(
            f"{call.operation} changes the resource; use POST.", headers={"Allow": "POST"}
        )
    body = call.any_sent().resource if call.request.body else None
    size = page_size(call) if call.parameter("_count") else _PAGE
    shown = [pair for pair in call.parameters if pair[0] in ("_format", "_pretty")]
    asked = Asked(call.type, call.id, call.parameters, body, call.store.base, max(size, 1))
    within = call.store.single if operation.changes else call.store.reading
    text = within(lambda repository: _permitted(repository, operation).run(repository, asked))
    return show(replace(call, parameters=shown), 200, text, [])


def _permitted(repository: Repository, operation: Operation) -> Operation:
    if operation.guarded and not repository.policy.may(operation.code):
        raise Forbidden(f"${operation.code} is for administrators of this server.")
    return operation


def _named(call: Call, level: str) -> Operation:
    code = call.operation.removeprefix("$")
    for operation in OPERATIONS:
        if operation.code == code and operation.serves(level, call.type):
            return operation
    here = sorted(
        {f"${operation.code}" for operation in OPERATIONS if operation.serves(level, call.type)}
    )
    raise NotSupported(f"There is no operation ${code} here; there are {', '.join(here)}.")
