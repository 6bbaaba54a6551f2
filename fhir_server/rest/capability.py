"""The CapabilityStatement, computed from the route table and the fact tables.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from functools import lru_cache

from fhir_server.codec import Resource, encode
from fhir_server.definitions import structures
from fhir_server.operations import OPERATIONS
from fhir_server.rest.call import Call, show
from fhir_server.rest.web import Response
from fhir_server.search import custom
from fhir_server.search.custom import Custom
from fhir_server.search.values import supported

RELEASED = "2026-11-23"

# Which interaction a route and method is: https://hl7.org/fhir/R4/valueset-restful-interaction.html
_TYPE_INTERACTIONS = (
    ("T/i", "GET", "read"),
    ("T/i/_history/v", "GET", "vread"),
    ("T/i", "PUT", "update"),
    ("T/i", "PATCH", "patch"),
    ("T/i", "DELETE", "delete"),
    ("T/i/_history", "GET", "history-instance"),
    ("T/_history", "GET", "history-type"),
    ("T", "POST", "create"),
    ("T", "GET", "search-type"),
)
_SYSTEM_INTERACTIONS = (
    ("", "POST", "transaction"),
    ("", "POST", "batch"),
    ("_history", "GET", "history-system"),
)


def metadata(call: Call) -> Response:
    said = statement(call.store.base, call.routes, custom.current(), integrity=call.store.integrity)
    return show(call, 200, said, [])


@lru_cache(maxsize=4)
def statement(
    base: str, routes: frozenset[tuple[str, str]], _defined: Custom, *, integrity: bool
) -> bytes:
    """Return the statement; it is made anew when a search parameter was defined."""
    return encode(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": RELEASED,
            "kind": "instance",
            "software": {"name": "MedConsult"},
            "implementation": {"description": "MedConsult FHIR server", "url": base},
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "application/fhir+xml"],
            "patchFormat": ["application/json-patch+json", "application/fhir+json"],
            "rest": [_rest(routes, integrity=integrity)],
        }
    )


def _rest(routes: frozenset[tuple[str, str]], *, integrity: bool) -> Resource:
    return {
        "mode": "server",
        "resource": [
            _resource(name, routes, integrity=integrity) for name in structures.resource_types()
        ],
        "interaction": [
            {"code": code}
            for shape, method, code in _SYSTEM_INTERACTIONS
            if (shape, method) in routes
        ],
        "operation": _operations("system", ""),
    }


def _resource(name: str, routes: frozenset[tuple[str, str]], *, integrity: bool) -> Resource:
    own = {each.code: {"definition": each.url} for each in custom.of(name)}
    parameters = [
        {"name": code, **own.get(code, {}), "type": type_} for code, type_ in supported(name)
    ]
    operations = _operations("type", name)
    return {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        "interaction": [
            {"code": code}
            for shape, method, code in _TYPE_INTERACTIONS
            if (shape, method) in routes
        ],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", *(["enforced"] if integrity else [])],
        "searchParam": parameters,
    } | ({"operation": operations} if operations else {})


def _operations(level: str, name: str) -> list[Resource]:
    levels = ("system",) if level == "system" else ("type", "instance")
    return [
        {"name": operation.code, "definition": operation.definition}
        for operation in OPERATIONS
        if any(operation.serves(each, name) for each in levels)
    ]
