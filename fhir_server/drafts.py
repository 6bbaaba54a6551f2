"""A resource on its way in: validated, its references found, indexed. Nothing is written yet."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from fhir_server import binary, references, validation
from fhir_server.codec import Body
from fhir_server.errors import Issue
from fhir_server.search import defining
from fhir_server.search.contained import Contained, contained
from fhir_server.search.entry import Entry, entry
from fhir_server.storage.blobs import Blobs

DEFINES = "SearchParameter"
"""The type whose resources change how all others are indexed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource to be written, already valid and indexed, not yet stamped with version and time."""

    type: str
    id: str
    body: Body
    entry: Entry
    targets: tuple[str, ...]
    """Literal references to this server, "Type/id"."""
    method: str = "PUT"
    blob: str | None = None
    contained: tuple[Contained, ...] = ()


def drafted(body: Body, base: str, blobs: Blobs, id_: str, method: str) -> Draft:
    """Validate and index; Invalid lists every problem. Without an id a new one is made."""
    validation.check(body.resource)
    resource_type = body.resource["resourceType"]
    if resource_type == DEFINES:
        defining.check(f"{DEFINES}/{id_}", body.resource)
    targets = references.local(body.text, base)
    body, blob = binary.detach(body, blobs)
    id_ = id_ or new_id()
    resource = body.resource if body.resource.get("id") == id_ else {**body.resource, "id": id_}
    indexed = entry(resource, targets, base)
    parts = contained(resource, body.text, base)
    return Draft(resource_type, id_, body, indexed, tuple(targets), method, blob, parts)


def new_id() -> str:
    return str(uuid.uuid4())


def dangling(draft: Draft, place: str, absent: set[str]) -> list[Issue]:
    """Return a problem for each of its references to something absent; place: where it stands."""
    return [
        Issue(
            "not-found",
            f"{draft.type} refers to {name}, which does not exist on this server; "
            "create it first or send both in one transaction.",
            references.path_to(draft.body.resource, name, place) or place,
        )
        for name in draft.targets
        if name in absent
    ]
