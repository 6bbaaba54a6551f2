"""What the audit says of a request: which interaction, of what, asked from where."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fhir_server.audit.access import Access
from fhir_server.rest import codes
from fhir_server.rest.call import Call
from fhir_server.rest.web import Request

_INTERACTIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (shape, method): code
        for shape, method, code in (*codes.OF_TYPE, *codes.OF_SYSTEM, *codes.ALSO)
    }
)
_LONGEST = 2000


def describe(access: Access, shape: str, call: Call) -> None:
    """Fill in what the address says; which kind of bundle is sent, only the bundle itself does."""
    request = call.request
    method = "GET" if request.method == "HEAD" else request.method
    access.interaction = _INTERACTIONS.get((shape, method), "operation")
    access.type, access.id = call.type, call.id
    access.query = "&".join(filter(None, (call.operation, request.query)))[:_LONGEST]
    _whence(access, request)


def asked(access: Access, request: Request) -> None:
    """Fill in what is known of a request that leads nowhere, or that nobody could be found for."""
    access.interaction = "read" if request.method in ("GET", "HEAD") else "operation"
    access.query = f"{request.method} {request.path}"[:_LONGEST]
    _whence(access, request)


def _whence(access: Access, request: Request) -> None:
    access.address = request.peer
    access.request_id = request.header("x-request-id")
