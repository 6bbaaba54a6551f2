"""Running a search's SQL; what the SQL says is `fhir_server.search.sql`'s."""

from __future__ import annotations

from fhir_server.database import Connection
from fhir_server.search import sql
from fhir_server.search.query import Query
from fhir_server.storage.resources import Version


def page(connection: Connection, query: Query) -> list[Version]:
    text, parameters = sql.page(query)
    return [Version(*row[:8]) for row in connection.query(text, parameters)][: query.count]
