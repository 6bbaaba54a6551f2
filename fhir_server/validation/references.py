"""What a Reference may point to, https://hl7.org/fhir/R4/references.html#literal.

The type that a literal names is checked; whether the resource exists is for the repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from fhir_server import codec
from fhir_server.definitions import structures
from fhir_server.validation.primitives import Fault

_ID = r"[A-Za-z0-9\-.]{1,64}"
_LITERAL = re.compile(
    rf"(?P<server>https?://[^\s?#]*/)?(?P<type>[A-Za-z]+)(?:/{_ID}(?:/_history/{_ID})?(?:#\S*)?|\?\S*)"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


def faults(
    value: Mapping[str, Any], targets: tuple[str, ...], contained: Mapping[str, str]
) -> Iterator[tuple[str, Fault]]:
    """Yield what is wrong with a Reference and at which of its elements.

    contained: id -> resourceType of what the resource, or its container, contains.
    """
    named = value.get("type")
    if isinstance(named, str) and targets and is_resource(named) and named not in targets:
        yield "type", _not_a_target(named, targets)
    literal = value.get("reference")
    if not isinstance(literal, str):
        return
    if literal.startswith("#"):
        yield from _fragment_faults(literal[1:], targets, contained)
        return
    found = _LITERAL.fullmatch(literal)
    if found is None or not is_resource(found["type"]):
        if not _SCHEME.match(literal):
            advice = "write Type/id, an absolute URL, urn:uuid:... or #id of a contained resource."
            yield "reference", Fault("value", f"{literal[:80]!r} names no resource; {advice}")
        return
    if targets and found["type"] not in targets:
        yield "reference", _not_a_target(found["type"], targets)
    if isinstance(named, str) and is_resource(named) and named != found["type"]:
        sentence = f"The type says {named} and the reference {found['type']}; make them agree."
        yield "type", Fault("invariant", sentence)


def is_resource(name: str) -> bool:
    return structures.is_resource_type(name)


def _fragment_faults(
    fragment: str, targets: tuple[str, ...], contained: Mapping[str, str]
) -> Iterator[tuple[str, Fault]]:
    if not fragment:  # "#" is the container itself
        return
    kind = contained.get(fragment)
    if kind is None:
        sentence = (
            f"ref-1: no contained resource has the id {fragment[:80]!r}; add it to contained."
        )
        yield "reference", Fault("invariant", sentence)
    elif targets and kind not in targets:
        yield "reference", _not_a_target(kind, targets)


def _not_a_target(kind: str, targets: tuple[str, ...]) -> Fault:
    return Fault("value", f"A {kind} may not stand here; refer to {', '.join(targets)}.")


def plain(targets: tuple[str, ...]) -> dict[str, Any]:
    """Return a JSON Schema of the property reference that holds only where `faults` finds nothing.

    It knows no "#id": the fast lane writes the contained resource's type in its place (`resolved`).
    """
    urn = r"urn:(?:uuid|oid):[^\x00-\x20]+"
    names = "|".join(targets or structures.resource_types())
    literal = (
        rf"(?:https?://[^\x00-\x20?#]*/)?(?:{names})(?:/{_ID}(?:/_history/{_ID})?|\?[^\x00-\x20]*)"
    )
    return {"type": "string", "pattern": f"^(?:{urn}|{literal})$"}


def contained_types(container: Mapping[str, Any]) -> dict[str, str]:
    """Return id -> resourceType of a resource's contained resources, of whatever form."""
    contained = container.get("contained")
    if not isinstance(contained, list):
        return {}
    pairs = [(c.get("id"), c.get("resourceType")) for c in contained if isinstance(c, dict)]
    return {id_: kind for id_, kind in pairs if isinstance(id_, str) and isinstance(kind, str)}


def resolved(container: Mapping[str, Any], contained: Mapping[str, str]) -> Any:
    """Return the content with "Type/id" for every reference "#id" that names a contained resource.

    Replaced in the encoded text, where an unescaped quote is never content: three times as fast as
    a walk. Decimals come back as floats, so the result is for the schema only.
    """
    text = codec.encode(container)
    for id_, kind in contained.items():
        text = text.replace(
            f'"reference":"#{id_}"'.encode(), f'"reference":"{kind}/{id_}"'.encode()
        )
    return msgspec.json.decode(text)
