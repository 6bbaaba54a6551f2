"""URIs, https://hl7.org/fhir/R4/search.html#uri."""

from __future__ import annotations

from tests.oracle.escape import plain
from tests.oracle.paths import Value

TYPES = frozenset({"uri", "url", "canonical", "oid", "uuid"})


def matches(values: list[Value], text: str, modifier: str) -> bool:
    sought = plain(text)
    return any(_is(found, sought, modifier) for value in values for found in _written(value))


def _written(value: Value) -> set[str]:
    """A canonical is found with and without its version."""
    if value.type == "canonical":
        return {value.data, value.data.partition("|")[0]}
    return {value.data}


def _is(found: str, sought: str, modifier: str) -> bool:
    if modifier == "below":
        return found == sought or _is_below(found, sought)
    if modifier == "above":
        return found == sought or _is_below(sought, found)
    return found == sought


def _is_below(longer: str, shorter: str) -> bool:
    """Only a URL has paths; its last slash says nothing."""
    if "://" not in shorter:
        return False
    return f"{longer}/".startswith(f"{shorter.rstrip('/')}/")
