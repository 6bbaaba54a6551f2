"""What people are called."""

from __future__ import annotations

from fhir_server.codec import Resource


def name_of(person: Resource) -> str:
    """Return a person's name as it is written."""
    for name in person.get("name", []):
        parts = [*name.get("prefix", []), *name.get("given", []), name.get("family", "")]
        if text := name.get("text") or " ".join(filter(None, parts)):
            return str(text)
    return f"{person['resourceType']}/{person['id']}"
