"""Running a search's SQL; what the SQL says is `fhir_server.search.sql`'s."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from fhir_server.database import Connection, Row
from fhir_server.errors import InvalidParameter
from fhir_server.search import sql
from fhir_server.search.query import Query
from fhir_server.storage.resources import Version

_WIDTH = 8  # columns of a version; the sort values follow


def page(
    connection: Connection, query: Query, token: str | None = None
) -> tuple[list[Version], str]:
    """Return one page and the token of the next, "" after the last."""
    statement = sql.page(query, _values(query, token) if token else None)
    rows = connection.query(statement.text, statement.parameters)
    found = [Version(*row[:_WIDTH]) for row in rows[: query.count]]
    return found, _token(rows[query.count - 1]) if len(rows) > query.count > 0 else ""


def count(connection: Connection, query: Query) -> int:
    statement = sql.count(query)
    return int(connection.query(statement.text, statement.parameters)[0][0])


def _token(last: Row) -> str:
    written = json.dumps([str(value) for value in (*last[_WIDTH:], last[0])])
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _values(query: Query, token: str) -> Sequence[object]:
    readers: list[Callable[[str], object]] = [*(_READERS[each.type] for each in query.sort), int]
    try:
        written = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return [read(value) for read, value in zip(readers, written, strict=True)]
    except (ValueError, TypeError, ArithmeticError, RecursionError, binascii.Error) as error:
        raise InvalidParameter(
            "_page is not a link of this search; start again from the first page.", "_page"
        ) from error


_READERS: Mapping[str, Callable[[str], object]] = {
    "id": str,
    "string": str,
    "date": int,
    "number": Decimal,
    "updated": datetime.fromisoformat,
}
