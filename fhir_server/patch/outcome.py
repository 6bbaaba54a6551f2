"""What any patch has to leave behind: the same identity, no empty containers, content to write.

https://hl7.org/fhir/R4/http.html#patch, https://hl7.org/fhir/R4/json.html#null
"""

from __future__ import annotations

from typing import Any

from fhir_server import codec
from fhir_server.codec import Resource
from fhir_server.errors import Invalid

_IDENTITY = ("resourceType", "id")


def finished(before: Resource, after: object) -> Resource:
    """Return the patched content; Invalid when it is another resource or cannot be written."""
    if not isinstance(after, dict):
        raise Invalid("The patch leaves no resource; its operations have to change parts of it.")
    for name in _IDENTITY:
        if before.get(name) != after.get(name):
            raise Invalid(f"A patch may not change {name}; leave it out of the patch.", name)
    try:
        codec.encode(after)
    except (RecursionError, ValueError) as error:
        raise Invalid("The patch nests elements too deeply to be written.") from error
    return after


def drop_empty(content: Resource) -> None:
    """Remove, in place, what a removal left empty: FHIR has neither {} nor []."""
    for name, value in list(content.items()):
        if isinstance(value, dict):
            drop_empty(value)
        elif isinstance(value, list):
            content[name] = _without_empty(value, keep_places=name.startswith("_"))
        if content[name] in ({}, []):
            del content[name]


def _without_empty(values: list[Any], *, keep_places: bool) -> list[Any]:
    for value in values:
        if isinstance(value, dict):
            drop_empty(value)
    if keep_places:  # the nth extension list belongs to the nth value of the array beside it
        return [None if value == {} else value for value in values]
    return [value for value in values if value != {}]
