"""Every address of the REST API, on one screen. https://hl7.org/fhir/R4/http.html#summary

A shape is the path with T for a resource type, i for an id, v for a version, $ for an operation;
after an id, T may also be *, all types of the compartment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fhir_server import references
from fhir_server.context import Store
from fhir_server.definitions import structures
from fhir_server.errors import FHIRError, Malformed, MethodNotAllowed, NotSupported
from fhir_server.rest import (
    audited,
    bundle,
    capability,
    history,
    interactions,
    operations,
    outcomes,
    search,
)
from fhir_server.rest.call import Call, Limits
from fhir_server.rest.web import Request, Response

Interaction = Callable[[Call], Response]

ROUTES: Mapping[str, Mapping[str, Interaction]] = {
    "": {"GET": search.system, "POST": bundle.carry_out},
    "metadata": {"GET": capability.metadata},
    "_history": {"GET": history.system},
    "_search": {"POST": search.system_post},
    "$": {"GET": operations.system, "POST": operations.system},
    "T": {
        "GET": search.of_type,
        "POST": interactions.create,
        "PUT": interactions.update_where,
        "PATCH": interactions.patch_where,
        "DELETE": interactions.delete_where,
    },
    "T/_search": {"POST": search.of_type_post},
    "T/_history": {"GET": history.of_type},
    "T/$": {"GET": operations.of_type, "POST": operations.of_type},
    "T/i": {
        "GET": interactions.read,
        "PUT": interactions.update,
        "PATCH": interactions.patch_,
        "DELETE": interactions.delete,
    },
    "T/i/_history": {"GET": history.instance},
    "T/i/_history/v": {"GET": interactions.vread},
    "T/i/$": {"GET": operations.of_instance, "POST": operations.of_instance},
    "T/i/T": {"GET": search.compartment},
    "T/i/T/_search": {"POST": search.compartment_post},
    "T/i/_search": {"POST": search.compartment_post},
}
_ALL = frozenset((shape, method) for shape, methods in ROUTES.items() for method in methods)


def dispatch(store: Store, limits: Limits, request: Request) -> Response:
    """Answer a request; an error that the client is to know of becomes its OperationOutcome."""
    status = 500
    try:
        response = _answered(store, limits, request)
        status = response.status
    finally:
        if store.access is not None and not store.access.interaction:
            audited.asked(store.access, request)
        store.end(status)
    return response


def _answered(store: Store, limits: Limits, request: Request) -> Response:
    try:
        store.learn()
        shape, call = _call(store, limits, request)
        if store.access is not None:
            audited.describe(store.access, shape, call)
        methods = ROUTES[shape]
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            raise _not_allowed(request, methods)
        if method not in ("GET", "DELETE"):
            call.format()  # what cannot be answered as asked must not be written first
        return methods[method](call)
    except Exception as error:
        expected = outcomes.expected(error)
        if expected is None or isinstance(error, outcomes.LOST_RACES):
            raise
        return outcomes.answer(expected)


def _call(store: Store, limits: Limits, request: Request) -> tuple[str, Call]:
    parts = request.path.split("/") if request.path else []
    shape = _shape(parts)
    parameters = request.parameters()
    typed = shape.startswith("T")
    return shape, Call(
        store,
        limits,
        request,
        type=parts[0] if typed else "",
        id=parts[1] if shape.startswith("T/i") else "",
        version=parts[3] if shape.endswith("/v") else "",
        operation=parts[-1] if shape.endswith("$") else "",
        member=_member(shape, parts),
        parameters=parameters,
        dispatch=dispatch,
        routes=_ALL,
    )


def _shape(parts: list[str]) -> str:
    if parts and structures.is_resource_type(parts[0]):
        return _typed(parts)
    shape = "$" if len(parts) == 1 and parts[0].startswith("$") else "/".join(parts)
    if shape not in ROUTES or shape.startswith("T"):
        first = parts[0] if parts else ""
        raise NotSupported(
            f"{first!r} is neither a resource type of FHIR R4 nor an address of this server."
        )
    return shape


def _typed(parts: list[str]) -> str:
    steps = ["T", *(_step(part) for part in parts[1:2]), *(_behind(part) for part in parts[2:3])]
    version = steps[2:] == ["_history"] and len(parts) > 3
    steps += ["v", *parts[4:]] if version else parts[3:]
    shape = "/".join(steps)
    if shape not in ROUTES:
        raise NotSupported(f"There is no address {'/'.join(parts)!r} on this server.")
    # A client or proxy takes a step of dots alone for a way up.
    if "/i" in shape and not (references.ID.fullmatch(parts[1]) and parts[1].strip(".")):
        raise Malformed(
            f"{parts[1]!r} is no id: 1 to 64 letters, digits, hyphens and points.", f"{parts[0]}.id"
        )
    return shape


def _step(part: str) -> str:
    if part.startswith("$"):
        return "$"
    return part if part in ("_search", "_history") else "i"


def _behind(part: str) -> str:
    """Return the step after an id."""
    if part.startswith("$"):
        return "$"
    return "T" if part == "*" or structures.is_resource_type(part) else part


def _member(shape: str, parts: list[str]) -> str:
    if shape.startswith("T/i/T"):
        return parts[2]
    return "*" if shape == "T/i/_search" else ""


def _not_allowed(request: Request, methods: Mapping[str, Interaction]) -> FHIRError:
    allowed = [*methods, *(["HEAD"] if "GET" in methods else [])]
    return MethodNotAllowed(
        f"{request.method} is not possible here; {', '.join(allowed)} is.",
        headers={"Allow": ", ".join(allowed)},
    )
