"""Errors as OperationOutcome, the one place that turns one into the other.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

import psycopg2
import psycopg2.errors

from fhir_server.codec import encode
from fhir_server.database import RETRYABLE
from fhir_server.errors import Conflict, FHIRError, InvalidParameter, Issue, Unavailable
from fhir_server.outcome import outcome
from fhir_server.rest.web import Response


def answer(error: FHIRError) -> Response:
    headers = [
        (name.lower().encode(), value.encode("latin-1", "replace"))
        for name, value in error.headers.items()
    ]
    return Response(error.status, encode(outcome(error.all_issues())), headers)


def expected(error: Exception) -> FHIRError | None:
    """Return what the client is told of the error; None when it is a fault of ours."""
    if isinstance(error, FHIRError):
        return error
    if isinstance(error, psycopg2.errors.QueryCanceled):
        return Unavailable(
            "The request took longer than this server allows; ask for less at a time.",
            headers={"Retry-After": "10"},
        )
    if isinstance(error, psycopg2.errors.UniqueViolation):
        return Conflict("Another request created the same resource at the same time; try again.")
    if isinstance(error, (psycopg2.errors.CharacterNotInRepertoire, psycopg2.DataError)):
        return InvalidParameter("A value is out of the range that can be stored or searched.")
    if isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
        return Unavailable(
            "The database does not answer; try again in a moment.", headers={"Retry-After": "2"}
        )
    return None


LOST_RACES = RETRYABLE


def fault(request_id: str) -> Response:
    text = f"The server failed to answer; tell its operator this request id: {request_id}."
    return Response(500, encode(outcome([Issue("exception", text, severity="fatal")])))
