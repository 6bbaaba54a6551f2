"""The composition root: one ASGI application out of the rooms of the house."""

from __future__ import annotations

import atexit
from dataclasses import dataclass, replace

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from billing import webhooks
from fhir_server import validation
from fhir_server.audit.trail import Trail
from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.rest import app as fhir
from fhir_server.rest.call import Limits
from medconsult.authenticating import Authenticating
from medconsult.authorization import auth_of
from medconsult.blobs import blob_store
from medconsult.garbage import collect_seldom
from medconsult.health import health_routes
from medconsult.logs import configure_logs
from medconsult.portal import portal_of
from medconsult.requests import FHIR, Observed, door_of
from medconsult.settings import Settings, load_settings
from smart_auth.app import router
from smart_auth.auth import Auth
from smart_auth.discovery import security
from smart_auth.revocations import Revocations
from smart_auth.wording import Speaking
from ui.app import router as pages_of

WEB_CONNECTIONS = 4
"""To the records, of a worker's pages; the FHIR API has a pool of its own."""


@dataclass(frozen=True, slots=True)
class Doors:
    """FHIR requests go straight to FHIR: FastAPI's routing would cost more than reading a row."""

    fhir: ASGIApp
    web: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_fhir = scope["type"] == "http" and door_of(scope["path"]) == "fhir"
        await (self.fhir if is_fhir else self.web)(scope, receive, send)


def create_app(settings: Settings, trail: Trail | None = None) -> ASGIApp:
    """Build the application; the settings have to name a database that runs.

    trail: where accesses are audited; it has to be started and stopped by the caller.
    """
    auth = auth_of(settings, replace(store_of(settings, WEB_CONNECTIONS), trail=trail))
    doors = Doors(fhir_app(settings, auth, trail), web_app(settings, auth))
    return Observed(doors, settings.public_url.startswith("https://"))


def app_from_environment() -> ASGIApp:
    """What a worker serves: its settings come through the environment."""
    settings = load_settings()
    configure_logs(settings)
    app = create_app(settings, None if settings.open else trail_of(settings))
    # Compiles the schema now rather than in somebody's first request.
    validation.validate({"resourceType": "Basic"})
    collect_seldom()
    return app


def trail_of(settings: Settings) -> Trail:
    """Return a trail that runs until the process ends, and then keeps what still waits."""
    trail = Trail(Database(settings.database_url, 1))
    trail.start()
    atexit.register(trail.stop)
    return trail


def store_of(settings: Settings, connections: int = 16) -> Store:
    timeout = settings.statement_timeout_ms
    return Store(
        Database(settings.database_url, connections, statement_timeout_ms=timeout),
        blob_store(settings),
        f"{settings.public_url}{FHIR}",
        settings.referential_integrity == "check",
    )


def fhir_app(settings: Settings, auth: Auth, trail: Trail | None) -> ASGIApp:
    store = replace(store_of(settings), trail=trail)
    limits = Limits(
        body=settings.max_body_bytes,
        page=settings.default_page_size,
        largest_page=settings.max_page_size,
        includes=settings.max_includes,
        search_cost=settings.search_cost_limit,
        explain=True,
        security="" if settings.open else security(auth),
    )
    authenticate = fhir.everyone if settings.open else authenticating(auth)
    return fhir.create(
        store,
        limits,
        mount=FHIR,
        cors_origins=settings.shared_with,
        authenticate=authenticate,
    )


def authenticating(auth: Auth) -> Authenticating:
    """Return what knows the bearers of tokens; it listens for revocations from now on."""
    revocations = Revocations(auth.engine)
    revocations.start()
    return Authenticating(auth, revocations)


def web_app(settings: Settings, auth: Auth) -> FastAPI:
    app = FastAPI(title="MedConsult", openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(Speaking)
    app.include_router(health_routes(settings))
    app.include_router(router(auth))
    portal = portal_of(settings, auth)
    app.include_router(webhooks.routes(portal.billing))
    app.include_router(pages_of(portal))
    return app
