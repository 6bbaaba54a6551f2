"""Read a literal reference as local or foreign, https://hl7.org/fhir/R4/references.html#literal."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from fhir_server.definitions import structures
from fhir_server.search.term import resource_key

_LOCAL = re.compile(r"([A-Z]\w+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_FOREIGN = re.compile(
    r"(https?://.+/([A-Z]\w+)/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)


class Located(NamedTuple):
    """Where a reference points."""

    target: str
    """"Type/id" when local, else the whole URL; without version."""
    type: str
    """The target's resource type; "" when the reference does not show it."""
    local: bool
    key: int
    """Hash of target: the resource's key when local."""


@lru_cache(maxsize=2**16)
def locate(reference: str, base_url: str) -> Located:
    """Normalise a literal reference; base_url has no final slash."""
    if base_url and reference.startswith(base_url + "/"):
        reference = reference[len(base_url) + 1 :]
    local = _LOCAL.fullmatch(reference)
    if local and structures.is_resource_type(local[1]):
        target = f"{local[1]}/{local[2]}"
        return Located(target, local[1], True, resource_key(target))
    foreign = _FOREIGN.fullmatch(reference)
    if foreign and structures.is_resource_type(foreign[2]):
        return Located(foreign[1], foreign[2], False, resource_key(foreign[1]))
    return Located(reference, "", False, resource_key(reference))
