"""Every address of the authorization server, room by room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter

from smart_auth import (
    account_api,
    account_pages,
    demo_mail,
    introspection,
    joining_pages,
    pages,
    published_keys,
    registration,
    revocation,
    sign_in_pages,
    token_endpoint,
)
from smart_auth.auth import Auth

ROUTERS: Sequence[Callable[[Auth], APIRouter]] = (
    pages.routes,
    sign_in_pages.routes,
    joining_pages.routes,
    account_pages.routes,
    account_api.routes,
    demo_mail.routes,
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
