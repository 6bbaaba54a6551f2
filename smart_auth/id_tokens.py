"""Who signed in, for the app: OpenID Connect Core, section 2, with SMART's fhirUser."""

from __future__ import annotations

from typing import Any

from smart_auth import granted_scope
from smart_auth.auth import Auth
from smart_auth.grants import Grant

LIFETIME = 3600
_WITH_USER = frozenset({"fhirUser", "profile"})


def wanted(scope: str) -> bool:
    return "openid" in granted_scope.words(scope)


def issue(auth: Auth, grant: Grant, scope: str, now: float, nonce: str = "") -> str:
    """Return the signed token; nonce is only there when the app sent one and this is for its code."""
    claims: dict[str, Any] = {
        "iss": auth.issuer,
        "sub": grant.account,
        "aud": grant.client,
        "iat": int(now),
        "exp": int(now) + LIFETIME,
    }
    if nonce:
        claims["nonce"] = nonce
    if grant.authenticated:
        claims["auth_time"] = int(grant.authenticated.timestamp())
    granted = set(granted_scope.words(scope))
    if granted & _WITH_USER and grant.fhir_user:
        claims["fhirUser"] = claims["profile"] = fhir_user(auth, grant.fhir_user)
    if "profile" in granted and grant.name:
        claims["name"] = grant.name
    return auth.keys.sign(claims)


def fhir_user(auth: Auth, relative: str) -> str:
    """Return the absolute URL of a person's resource."""
    return f"{auth.fhir}/{relative}"
