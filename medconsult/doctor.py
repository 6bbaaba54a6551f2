"""`medconsult doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import ctypes.util
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2

from fhir_server.errors import FHIRError
from medconsult.blobs import blob_store
from medconsult.embedded import database
from medconsult.migrations import at_head
from medconsult.settings import Settings

OLDEST = 150000
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT (indisvalid AND indisready) ORDER BY 1"
PDF_LIBRARIES = ("pango-1.0", "pangoft2-1.0", "harfbuzz", "harfbuzz-subset")
PDF_PACKAGES = "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    found: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    with database(settings) as url:
        yield from examine_database(url)
    yield examine_blobs(settings)
    yield examine_pdf()


def examine_database(url: str) -> Iterator[Finding]:
    try:
        session = psycopg2.connect(url, connect_timeout=5)
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        yield Finding(
            "database", False, reason, "Start PostgreSQL, or mend MEDCONSULT_DATABASE_URL."
        )
        return
    with closing(session), session.cursor() as cursor:
        yield _release(session.server_version)
        yield _schema(url)
        yield _indexes(cursor)


def _release(number: int) -> Finding:
    found = f"PostgreSQL {number // 10000}.{number % 10000}"
    remedy = "" if number >= OLDEST else "Use PostgreSQL 15 or later."
    return Finding("database", not remedy, found, remedy)


def _schema(url: str) -> Finding:
    if at_head(url):
        return Finding("schema", True, "at head")
    return Finding("schema", False, "of another release, or none", "Run `medconsult migrate`.")


def _indexes(cursor: Any) -> Finding:
    cursor.execute(INVALID)
    invalid = [name for (name,) in cursor.fetchall()]
    if not invalid:
        return Finding("indexes", True, "all valid")
    remedy = "; ".join(f"REINDEX INDEX CONCURRENTLY {name}" for name in invalid)
    return Finding("indexes", False, f"invalid: {', '.join(invalid)}", f"Run in psql: {remedy}")


def examine_blobs(settings: Settings) -> Finding:
    where = settings.s3_bucket if settings.blob_store == "s3" else str(settings.data_dir / "blobs")
    try:
        blob_store(settings).check()
    except FHIRError as error:
        return Finding(
            "blob store", False, str(error), "Check MEDCONSULT_DATA_DIR or MEDCONSULT_S3_*."
        )
    return Finding("blob store", True, f"{where} can be written")


def examine_pdf() -> Finding:
    missing = [name for name in PDF_LIBRARIES if ctypes.util.find_library(name) is None]
    if missing:
        return Finding("PDF", False, f"missing libraries: {', '.join(missing)}", PDF_PACKAGES)
    return Finding("PDF", True, "libraries for WeasyPrint are present")
