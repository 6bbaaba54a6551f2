"""Every address of the authorization server, room by room."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute

from smart_auth import (
    access_log,
    account_api,
    account_pages,
    app_pages,
    authorize,
    break_glass,
    consent,
    demo_app,
    demo_mail,
    discovery,
    introspection,
    joining_pages,
    launch_pages,
    pages,
    published_keys,
    registration,
    revocation,
    sign_in_pages,
    token_endpoint,
    userinfo,
)
from smart_auth.auth import Auth

ROUTERS: Sequence[Callable[[Auth], APIRouter]] = (
    # For apps
    token_endpoint.routes,
    introspection.routes,
    revocation.routes,
    registration.routes,
    published_keys.routes,
    userinfo.routes,
    # For people who let apps in
    authorize.routes,
    consent.routes,
    launch_pages.routes,
    app_pages.routes,
    access_log.routes,
    break_glass.routes,
    # For people and their accounts
    sign_in_pages.routes,
    joining_pages.routes,
    account_pages.routes,
    account_api.routes,
    pages.routes,
    # To try it out
    demo_mail.routes,
    demo_app.routes,
)


def router(auth: Auth) -> APIRouter:
    """Return all of them, to be mounted at the root."""
    parts = [each(auth) for each in ROUTERS]
    made = APIRouter()
    for part in (*parts, discovery.routes(auth, addresses(parts))):
        made.include_router(part)
    return made


def addresses(routers: Sequence[APIRouter]) -> frozenset[str]:
    """Return the paths that are served."""
    return frozenset(
        each.path for router in routers for each in router.routes if isinstance(each, APIRoute)
    )
