"""The CapabilityStatement, computed from the route table and the fact tables.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from fhir_server.audit import find
from fhir_server.codec import Resource, decode, encode
from fhir_server.definitions import compartments, profiles, search_parameters, structures
from fhir_server.operations import OPERATIONS
from fhir_server.rest import codes
from fhir_server.rest.call import Call, show
from fhir_server.rest.web import Response
from fhir_server.search import custom
from fhir_server.search.custom import Custom
from fhir_server.search.fields import fields
from fhir_server.search.values import supported

RELEASED = "2026-11-23"


def metadata(call: Call) -> Response:
    text = statement(
        call.store.base,
        call.routes,
        integrity=call.store.integrity,
        security=call.limits.security,
    )
    return show(call, 200, text, [])


def statement(
    base: str, routes: frozenset[tuple[str, str]], *, integrity: bool, security: str = ""
) -> bytes:
    return _statement(base, routes, custom.current(), security, integrity=integrity)


@lru_cache(maxsize=4)
def _statement(
    base: str,
    routes: frozenset[tuple[str, str]],
    _defined: Custom,
    security: str,
    *,
    integrity: bool,
) -> bytes:
    """Return the text, which is made anew when a search parameter was defined."""
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
            "rest": [_rest(routes, security, integrity=integrity)],
        }
    )


def _rest(routes: frozenset[tuple[str, str]], security: str, *, integrity: bool) -> Resource:
    return {
        "mode": "server",
        **({"security": decode(security.encode())} if security else {}),
        "resource": [
            _kept_by_audit(stated) if security and stated["type"] == find.TYPE else stated
            for stated in (
                _resource(name, routes, integrity=integrity) for name in structures.resource_types()
            )
        ],
        "interaction": [
            {"code": code} for shape, method, code in codes.OF_SYSTEM if (shape, method) in routes
        ],
        "searchParam": _parameters_of_all_types(),
        "operation": _operations("system", ""),
        "compartment": [
            f"http://hl7.org/fhir/CompartmentDefinition/{name[0].lower()}{name[1:]}"
            for name in compartments.compartments()
        ],
    }


def _parameters_of_all_types() -> list[Resource]:
    """Return the parameters that all types have, which a search of the whole system takes."""
    listed = [set(supported(name)) for name in structures.resource_types()]
    return _stated(sorted(set.intersection(*listed)))


def _stated(parameters: Sequence[tuple[str, str]]) -> list[Resource]:
    return [{"name": code, "type": type_} for code, type_ in parameters]


def _resource(name: str, routes: frozenset[tuple[str, str]], *, integrity: bool) -> Resource:
    operations = _operations("type", name)
    return {
        "type": name,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{name}",
        **({"supportedProfile": ours} if (ours := profiles.of_type(name)) else {}),
        "interaction": [
            {"code": code} for shape, method, code in codes.OF_TYPE if (shape, method) in routes
        ],
        "versioning": "versioned",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", *(["enforced"] if integrity else [])],
        "searchInclude": ["*", *(f"{name}:{code}" for code in _references(name))],
        "searchRevInclude": ["*", *_pointing(custom.current()).get(name, ())],
        "searchParam": [
            {**each, **_definition(name, each["name"])} for each in _stated(supported(name))
        ],
    } | ({"operation": operations} if operations else {})


def _kept_by_audit(stated: Resource) -> Resource:
    """Return what holds of AuditEvent where the audit itself keeps them: they are read, never written."""
    offered = {"read", "search-type"}
    return {
        "type": stated["type"],
        "profile": stated["profile"],
        "interaction": [each for each in stated["interaction"] if each["code"] in offered],
        "versioning": "no-version",
        "searchParam": [each for each in stated["searchParam"] if each["name"] in find.PARTS],
    }


def _references(name: str) -> list[str]:
    return [code for code, type_ in supported(name) if type_ == "reference"]


@lru_cache(maxsize=4)
def _pointing(_defined: Custom) -> Mapping[str, list[str]]:
    """Return, by type, the parameters of other types that can refer to it."""
    found: dict[str, list[str]] = {}
    for source in structures.resource_types():
        for code in _references(source):
            for target in fields(source)[code].targets or structures.resource_types():
                found.setdefault(target, []).append(f"{source}:{code}")
    return MappingProxyType(found)


def _definition(name: str, code: str) -> Resource:
    known = search_parameters.parameters(name)
    stored = {each.code: each for each in custom.of(name).parameters}
    return {"definition": (known.get(code) or stored[code]).url}


def _operations(level: str, name: str) -> list[Resource]:
    levels = ("system",) if level == "system" else ("type", "instance")
    return [
        {"name": operation.code, "definition": operation.definition}
        for operation in OPERATIONS
        if any(operation.serves(each, name) for each in levels)
    ]
