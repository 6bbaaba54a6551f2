"""What a search cannot find yet, because it is still being indexed; said in the result itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fhir_server.errors import Issue
from fhir_server.search import custom
from fhir_server.search.query import Query
from fhir_server.storage.reindex import ALL, percent

_WORD = re.compile(r"[\w-]+")


def warnings(incomplete: Mapping[str, tuple[int, int]], query: Query) -> list[Issue]:
    """Return a warning for each parameter of the query that is not indexed for all resources yet.

    incomplete: `Store.watch.incomplete`. A name that means another parameter elsewhere in a chain
    counts too: one warning too many does no harm.
    """
    if not incomplete:
        return []
    if ALL in incomplete:
        share = percent(*incomplete[ALL])
        text = f"The index is being made anew: {share} % of the resources are searched by it."
        return [Issue("incomplete", text, severity="warning")]
    words = _words(query)
    return [
        Issue(
            "incomplete",
            f"The parameter {each.parameter.code!r} is still being indexed: "
            f"{percent(*incomplete[each.name])} % of the resources are searched.",
            severity="warning",
        )
        for each in custom.current().defined
        if each.name in incomplete and each.parameter.code in words
    ]


def _words(query: Query) -> set[str]:
    """Return everything in the query that may be a parameter's name."""
    words = {sort.code for sort in query.sort}
    words |= {each.code for each in (*query.includes, *query.revincludes)}
    for condition in query.conditions:
        words |= set(_WORD.findall(condition.name))
        if condition.name == "_filter":
            words |= {word for text in condition.values for word in _WORD.findall(text)}
    if "*" in words:
        words |= {each.parameter.code for each in custom.current().defined}
    return words
