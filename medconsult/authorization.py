"""The authorization server's part of a process: its database sessions, keys and switches."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, make_url

from fhir_server.context import Store
from medconsult.requests import FHIR
from medconsult.settings import Settings
from smart_auth import keys
from smart_auth.auth import Auth, Options

SESSIONS = 4
"""Database sessions of a worker for accounts and tokens; as many again when it is busy."""


def auth_of(settings: Settings, store: Store) -> Auth:
    """Return what the authorization server holds; makes the keys when there are none yet."""
    return Auth(
        engine=engine_of(settings),
        store=store,
        keys=keys.load(settings.keys_folder),
        issuer=settings.public_url,
        fhir=f"{settings.public_url}{FHIR}",
        options=options_of(settings),
    )


def engine_of(settings: Settings) -> Engine:
    url = make_url(settings.database_url).set(drivername="postgresql+psycopg2")
    return create_engine(
        url,
        pool_size=SESSIONS,
        max_overflow=SESSIONS,
        pool_pre_ping=True,
        # As the records' own sessions: a transaction may be over both.
        connect_args={"options": "-c timezone=UTC -c jit=off"},
    )


def options_of(settings: Settings) -> Options:
    return Options(
        registration=settings.registration,
        dynamic_registration=settings.dynamic_registration,
        demo=settings.demo,
        access_token=settings.access_token_seconds,
        refresh_token=settings.refresh_token_days * 86_400,
        session=settings.session_hours * 3600,
        cors_origins=settings.shared_with,
    )
