"""What the contained resources of a resource are found by, for `_contained`.

https://hl7.org/fhir/R4/search.html#contained. They have no address of their own: they are in no
compartment, and what they refer to keeps nobody from deleting it but by their container's text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fhir_server import codec
from fhir_server.codec import Resource
from fhir_server.search.entry import Entry, entry
from fhir_server.search.term import COMPARTMENT, resource_key


@dataclass(frozen=True, slots=True)
class Contained:
    """One contained resource."""

    id: str
    """Its id within the container."""
    content: str
    """JSON text."""
    entry: Entry
    """Its key is the hash of "Type/id#inner", type and id being the container's."""


def contained(resource: Resource, text: bytes, base_url: str = "") -> tuple[Contained, ...]:
    """Index what a valid resource with an id contains; text is the resource's own, decoded before."""
    inner = resource.get("contained")
    if not inner:
        return ()
    own = f"{resource['resourceType']}/{resource['id']}"
    texts = codec.items(codec.members(text)["contained"])
    found: dict[str, Contained] = {}
    for each, content in zip(inner, texts, strict=True):
        # Of two with one id, a reference means the first.
        if each["id"] not in found:
            found[each["id"]] = _one(own, each, content, base_url)
    return tuple(found.values())


def _one(own: str, inner: dict[str, Any], content: bytes, base_url: str) -> Contained:
    made = entry(inner, (), base_url)
    members = {COMPARTMENT ^ key for key in (made.key, *(key for _, key in made.references))}
    terms = [each for each in made.terms if each not in members]
    key = resource_key(f"{own}#{inner['id']}")
    return Contained(inner["id"], content.decode(), replace(made, key=key, terms=terms))
