"""Extensions of a resource, and profiles that it claims: ours, by their full URL. https://hl7.org/fhir/R4/extensibility.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_server.codec import Resource

EXTENSION = "urn:medconsult:extension:"
PROFILE = "urn:medconsult:profile:"


def claiming(profile: str) -> dict[str, Any]:
    """Return the meta of a resource that claims a profile of ours by its short name."""
    return {"profile": [f"{PROFILE}{profile}"]}


def find(resource: Resource, url: str) -> dict[str, Any]:
    """Return the first extension of the URL; {} when there is none."""
    for each in resource.get("extension", []):
        if each.get("url") == url:
            found: dict[str, Any] = each
            return found
    return {}


def text(resource: Resource, name: str) -> str:
    """Return the plain value of one of ours; "" when there is none."""
    found = find(resource, f"{EXTENSION}{name}")
    return next((str(value) for key, value in found.items() if key.startswith("value")), "")


def put(resource: Resource, url: str, value: Mapping[str, Any] | None) -> None:
    """Replace the extension; None takes it away."""
    others = [each for each in resource.get("extension", []) if each.get("url") != url]
    listed = [*others, {"url": url, **value}] if value else others
    resource.pop("extension", None)
    if listed:
        resource["extension"] = listed
