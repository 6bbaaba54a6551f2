"""The order of a search result as SQL: sort keys, and where the next page begins.

https://hl7.org/fhir/R4/search.html#sort. Pages are found by key set (sort values, key), so a page
costs the same at any depth. Resources without a value come last in either direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fhir_server.search.query import Sort
from fhir_server.search.types.date import EARLIEST, LATEST
from fhir_server.search.types.number import LEAST, MOST
from fhir_server.search.writer import Writer

# Ascending and descending expression, then what stands for no value in each.
_EXPRESSIONS: Mapping[str, tuple[str, str, object, object]] = MappingProxyType(
    {
        "id": ('r.id COLLATE "C"', 'r.id COLLATE "C"', None, None),
        "updated": ("r.last_updated", "r.last_updated", None, None),
        "date": (
            (
                "coalesce((SELECT min(s.low) FROM date_index s"
                " WHERE s.key = r.key AND s.param = {param}), {none}::bigint)"
            ),
            (
                "coalesce((SELECT max(s.low) FROM date_index s"
                " WHERE s.key = r.key AND s.param = {param}), {none}::bigint)"
            ),
            LATEST,
            EARLIEST,
        ),
        "number": (
            (
                "coalesce((SELECT min(s.low) FROM number_index s"
                " WHERE s.key = r.key AND s.param = {param}), {none}::numeric)"
            ),
            (
                "coalesce((SELECT max(s.low) FROM number_index s"
                " WHERE s.key = r.key AND s.param = {param}), {none}::numeric)"
            ),
            MOST * 10,
            LEAST * 10,
        ),
        "string": (
            (
                'coalesce((SELECT min(s.value COLLATE "C") FROM string_index s'
                " WHERE s.key = r.key AND s.param = {param}), {none}::text)"
            ),
            (
                'coalesce((SELECT max(s.value COLLATE "C") FROM string_index s'
                " WHERE s.key = r.key AND s.param = {param}), {none}::text)"
            ),
            "\U0010ffff",
            "",
        ),
    }
)


def expressions(sort: Sequence[Sort], writer: Writer) -> list[str]:
    """Return one SQL expression over `resource r` for each key."""
    written: list[str] = []
    for key in sort:
        ascending, descending, last, last_descending = _EXPRESSIONS[key.type]
        if last is None:
            written.append(ascending)
            continue
        template = descending if key.descending else ascending
        none = writer.bind(last_descending if key.descending else last)
        written.append(template.format(param=writer.bind(key.param), none=none))
    return written


def column(sort: Sort, position: int) -> str:
    """Return the key's column in the page, with a collation that does not depend on the database."""
    return f'q.s{position} COLLATE "C"' if sort.type in ("id", "string") else f"q.s{position}"


def after(sort: Sequence[Sort], values: Sequence[object], writer: Writer) -> str:
    """Return the condition of rows behind the given sort values and key; q is the page."""
    columns = [column(each, position) for position, each in enumerate(sort)] + ["q.key"]
    signs = ["<" if each.descending else ">" for each in sort] + [">"]
    bound = [writer.bind(value) for value in values]
    branches: list[str] = []
    for position in range(len(columns)):
        equal = [f"{columns[before]} = {bound[before]}" for before in range(position)]
        beyond = f"{columns[position]} {signs[position]} {bound[position]}"
        branches.append(" AND ".join([*equal, beyond]))
    return "(" + " OR ".join(f"({branch})" for branch in branches) + ")"


def order_by(sort: Sequence[Sort]) -> str:
    """Return the ORDER BY list; the key makes the order total."""
    keys = [
        f"{column(each, position)}{' DESC' if each.descending else ''}"
        for position, each in enumerate(sort)
    ]
    return ", ".join([*keys, "q.key"])
