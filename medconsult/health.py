"""Whether the process lives, whether it can serve, and its figures."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg2
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from medconsult.settings import Settings

MIGRATIONS = Path(__file__).resolve().parent.parent / "alembic" / "versions"

SCHEMA = "SELECT version_num FROM alembic_version"


def health_routes(settings: Settings) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    head = newest_revision()

    @routes.get("/healthz")
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @routes.get("/readyz")
    def readyz() -> JSONResponse:
        reason = why_not_ready(settings.database_url, head)
        if reason:
            return JSONResponse({"ready": False, "reason": reason}, 503, {"Retry-After": "2"})
        return JSONResponse({"ready": True})

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(figures(), media_type=CONTENT_TYPE_LATEST)

    return routes


def newest_revision() -> str:
    """Return the head as the migrations' file names tell it (a test compares with Alembic's).

    Alembic itself would cost each worker 20 MB, for one word.
    """
    return max(path.name.partition("_")[0] for path in MIGRATIONS.glob("[0-9]*.py"))


def why_not_ready(url: str, head: str) -> str:
    """Return the reason, or nothing; psycopg2 alone, so that a probe costs little."""
    try:
        session = psycopg2.connect(url, connect_timeout=3)
    except psycopg2.OperationalError:
        return "the database does not answer"
    try:
        with session.cursor() as cursor:
            cursor.execute(SCHEMA)
            found = {version for (version,) in cursor.fetchall()}
    except psycopg2.errors.UndefinedTable:
        return "the database has no schema: run `medconsult migrate`"
    except psycopg2.Error:
        return "the database does not answer"
    finally:
        session.close()
    return (
        ""
        if found == {head}
        else "the database's schema is of another release: run `medconsult migrate`"
    )


def figures() -> bytes:
    """Return the figures of all workers together."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    all_workers = CollectorRegistry()
    MultiProcessCollector(all_workers)  # type: ignore[no-untyped-call]
    return generate_latest(all_workers)
