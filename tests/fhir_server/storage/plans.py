"""A connection that notes how PostgreSQL means to answer what is asked through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from fhir_server.database import Connection

_EXPLAIN = "EXPLAIN (FORMAT JSON) "
# Reading these whole makes a search as slow as the store is large.
LARGE = frozenset(
    {"resource", "resource_history", "date_index", "number_index", "string_index", "text_value"}
)


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of one statement."""

    text: str
    indexes: frozenset[str]
    scans: frozenset[str]
    """Large tables that are read whole."""


@dataclass(slots=True)
class Explaining:
    """A cursor that asks for the plan of each statement before it runs it."""

    cursor: Any
    planned: list[Planned] = field(default_factory=list)

    def execute(self, text: str, parameters: Any = None) -> None:
        asked = text.removeprefix(_EXPLAIN)
        self.cursor.execute(_EXPLAIN + asked, parameters)
        self._note(asked, self.cursor.fetchall())
        self.cursor.execute(text, parameters)

    def _note(self, text: str, rows: list[Any]) -> None:
        nodes = list(_nodes(rows[0][0][0]["Plan"]))
        tables = {each["Relation Name"] for each in nodes if "Relation Name" in each}
        if tables & LARGE:
            whole = {each["Relation Name"] for each in nodes if each["Node Type"] == "Seq Scan"}
            indexes = {each["Index Name"] for each in nodes if "Index Name" in each}
            self.planned.append(Planned(text, frozenset(indexes), frozenset(whole & LARGE)))

    def fetchall(self) -> list[Any]:
        found: list[Any] = self.cursor.fetchall()
        return found

    @property
    def description(self) -> Any:
        return self.cursor.description


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


@contextmanager
def explaining(url: str) -> Iterator[tuple[Connection, list[Planned]]]:
    """Give a connection, as `Database` opens one, and the list that its plans are added to."""
    session = psycopg2.connect(url, options="-c timezone=UTC -c jit=off")
    try:
        session.autocommit = True
        noting = Explaining(session.cursor())
        yield Connection(session, noting), noting.planned
    finally:
        session.close()
