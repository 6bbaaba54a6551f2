"""Every address of the authorization server, room by room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter

from smart_auth import introspection, published_keys, registration, revocation, token_endpoint
from smart_auth.auth import Auth

ROUTERS: Sequence[Callable[[Auth], APIRouter]] = (
    token_endpoint.routes,
    introspection.routes,
    revocation.routes,
    registration.routes,
    published_keys.routes,
)


def router(auth: Auth) -> APIRouter:
    """Return all of them, to be mounted at the root."""
    made = APIRouter()
    for each in ROUTERS:
        made.include_router(each(auth))
    return made
