"""What apps find out by themselves: SMART's configuration, OpenID Connect's and RFC 8414's.

Computed from what is mounted: an endpoint stands in a document when a router has its address.
https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from smart_auth import granted_scope, jwks, keys, metadata
from smart_auth.auth import Auth
from smart_auth.token_endpoint import GRANT_TYPES

ENDPOINTS: Mapping[str, str] = {
    "authorization_endpoint": "/auth/authorize",
    "token_endpoint": "/auth/token",
    "pushed_authorization_request_endpoint": "/auth/par",
    "introspection_endpoint": "/auth/introspect",
    "revocation_endpoint": "/auth/revoke",
    "registration_endpoint": "/auth/clients",
    "jwks_uri": "/auth/jwks",
    "userinfo_endpoint": "/auth/userinfo",
    "management_endpoint": "/auth/apps",
}
CAPABILITIES: Sequence[str] = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
)
_CLINICAL = ("patient/*.cruds", "user/*.cruds", "system/*.cruds", "patient/*.*", "user/*.*")
_SMART = "/.well-known/smart-configuration"
_SHARED = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=60"}


def routes(auth: Auth, mounted: frozenset[str]) -> APIRouter:
    """Serve the documents; mounted: the paths that the routers have."""
    router = APIRouter(include_in_schema=False)

    def smart(_: Request) -> Response:
        return JSONResponse(smart_configuration(auth, mounted), headers=_SHARED)

    def openid(_: Request) -> Response:
        return JSONResponse(openid_configuration(auth, mounted), headers=_SHARED)

    documents = {
        _SMART: smart,
        auth.fhir.removeprefix(auth.issuer) + _SMART: smart,
        "/.well-known/openid-configuration": openid,
        "/.well-known/oauth-authorization-server": openid,
    }
    for path, document in documents.items():
        router.add_api_route(path, document, methods=["GET"])
        router.add_api_route(path, _leave, methods=["OPTIONS"])
    return router


def _leave(_: Request) -> Response:
    allowed = {"Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Headers": "*"}
    return Response(status_code=204, headers={**_SHARED, **allowed})


def endpoints(auth: Auth, mounted: frozenset[str]) -> dict[str, str]:
    return {name: auth.issuer + path for name, path in ENDPOINTS.items() if path in mounted}


def security(auth: Auth) -> str:
    """Return rest.security of the CapabilityStatement, as JSON."""
    oauth = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
    told = (
        ("authorize", "authorize"),
        ("token", "token"),
        ("introspect", "introspect"),
        ("revoke", "revoke"),
    )
    uris = [{"url": name, "valueUri": f"{auth.issuer}/auth/{path}"} for name, path in told]
    system = "http://terminology.hl7.org/CodeSystem/restful-security-service"
    return json.dumps(
        {
            "extension": [{"url": oauth, "extension": uris}],
            "cors": True,
            "service": [{"coding": [{"system": system, "code": "SMART-on-FHIR"}]}],
            "description": "Access tokens by SMART App Launch 2.2; see .well-known/smart-configuration.",
        }
    )


def smart_configuration(auth: Auth, mounted: frozenset[str]) -> dict[str, Any]:
    return {
        **openid_configuration(auth, mounted),
        "associated_endpoints": [
            {"url": auth.fhir, "capabilities": list(CAPABILITIES)},
        ],
        "capabilities": list(CAPABILITIES),
    }


def openid_configuration(auth: Auth, mounted: frozenset[str]) -> dict[str, Any]:
    signed = list(jwks.ALGORITHMS)
    return {
        "issuer": auth.issuer,
        **endpoints(auth, mounted),
        "scopes_supported": [*sorted(granted_scope.OTHERS), *_CLINICAL],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(metadata.METHODS),
        "token_endpoint_auth_signing_alg_values_supported": signed,
        "introspection_endpoint_auth_methods_supported": list(metadata.METHODS),
        "revocation_endpoint_auth_methods_supported": list(metadata.METHODS),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [keys.ALGORITHM],
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "fhirUser",
            "profile",
            "name",
        ],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
