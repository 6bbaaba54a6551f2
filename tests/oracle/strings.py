"""Strings, https://hl7.org/fhir/R4/search.html#string."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from tests.oracle.paths import Value

_LONGEST = 200
_PARTS = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
}
TYPES = frozenset({"string", "markdown", *_PARTS})


def fold(text: str) -> str:
    """Take case, accents and the length of white space from the text."""
    bare = "".join(
        each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each)
    )
    return " ".join(bare.casefold().split())


def texts(values: list[Value]) -> Iterator[str]:
    """Yield every text; of names and addresses every part."""
    for value in values:
        if value.type not in _PARTS:
            yield value.data
            continue
        for name in _PARTS[value.type]:
            part = value.data.get(name, [])
            yield from (each for each in ([part] if isinstance(part, str) else part) if each)


def matches(values: list[Value], text: str, modifier: str) -> bool:
    if modifier == "exact":
        return text in texts(values)
    sought = fold(text)
    folded = [fold(each)[:_LONGEST] for each in texts(values)]
    if modifier == "contains":
        return any(sought in each for each in folded)
    return any(each.startswith(sought) for each in folded)
