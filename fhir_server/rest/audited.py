"""What the audit says of a request: which interaction, of what, asked from where."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fhir_server.audit.access import Access
from fhir_server.rest.call import Call
from fhir_server.rest.web import Request

_INTERACTIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("", "GET"): "search-system",
        ("_search", "POST"): "search-system",
        ("metadata", "GET"): "capabilities",
        ("_history", "GET"): "history-system",
        ("T", "GET"): "search-type",
        ("T", "POST"): "create",
        ("T", "PUT"): "update",
        ("T", "PATCH"): "patch",
        ("T", "DELETE"): "delete",
        ("T/_search", "POST"): "search-type",
        ("T/_history", "GET"): "history-type",
        ("T/i", "GET"): "read",
        ("T/i", "PUT"): "update",
        ("T/i", "PATCH"): "patch",
        ("T/i", "DELETE"): "delete",
        ("T/i/_history", "GET"): "history-instance",
        ("T/i/_history/v", "GET"): "vread",
        ("T/i/T", "GET"): "search-type",
        ("T/i/T/_search", "POST"): "search-type",
        ("T/i/_search", "POST"): "search-type",
    }
)
_LONGEST = 2000


def describe(access: Access, shape: str, call: Call) -> None:
    """Fill in what the address says."""
    request = call.request
    method = "GET" if request.method == "HEAD" else request.method
    if shape == "" and method == "POST":
        access.interaction = "transaction" if b'"transaction"' in request.body[:5000] else "batch"
    else:
        access.interaction = _INTERACTIONS.get((shape, method), "operation")
    access.type, access.id = call.type, call.id
    access.query = "&".join(filter(None, (call.operation, request.query)))[:_LONGEST]
    access.address = request.peer
    access.request_id = request.header("x-request-id")


def refused(access: Access, request: Request) -> None:
    """Fill in what is known of a request that nobody could be found for."""
    access.interaction = "read" if request.method in ("GET", "HEAD") else "operation"
    access.query = f"{request.method} {request.path}"[:_LONGEST]
    access.address = request.peer
    access.request_id = request.header("x-request-id")
