"""X-Provenance: where what is written comes from, stored with it. https://hl7.org/fhir/R4/provenance.html#header"""

from __future__ import annotations

from collections.abc import Callable

from fhir_server import codec
from fhir_server.codec import Body
from fhir_server.errors import Malformed
from fhir_server.repository import Repository
from fhir_server.rest.call import Call
from fhir_server.storage.resources import Version

HEADER = "x-provenance"
Written = tuple[int, Version]
"""Status and what was stored."""


def single(call: Call, work: Callable[[Repository], Written]) -> Written:
    """Do the work, in one transaction with the Provenance that the header holds, if it holds one."""
    stated = call.request.header(HEADER)
    if not stated:
        return call.store.single(work)
    provenance = _read(stated)

    def both(repository: Repository) -> Written:
        status, version = work(repository)
        repository.create(_of(provenance, version))
        return status, version

    return call.store.writing(both)


def _read(stated: str) -> Body:
    """Return the resource; it names no target yet, for that is what is being written."""
    # Header values come as Latin-1, whatever the client wrote.
    body = codec.body(stated.encode("latin-1"))
    if body.resource["resourceType"] != "Provenance":
        raise Malformed("X-Provenance has to hold a Provenance, as JSON.", "X-Provenance")
    if "target" in body.resource:
        raise Malformed(
            "The Provenance of X-Provenance has no target: it becomes what is written.",
            "Provenance.target",
        )
    return body


def _of(provenance: Body, version: Version) -> Body:
    name = f"{version.type}/{version.id}/_history/{version.version}"
    return codec.made({**provenance.resource, "target": [{"reference": name}]})
