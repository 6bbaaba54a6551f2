"""$everything of a Patient or Encounter: its compartment, then what that refers to.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from fhir_server.bundles import Entry, bundle
from fhir_server.definitions import structures
from fhir_server.errors import InvalidParameter
from fhir_server.operations.asked import Asked
from fhir_server.repository import Repository
from fhir_server.search.types.date import span, storable
from fhir_server.storage import everything as storage
from fhir_server.storage import links
from fhir_server.storage.everything import Selection
from fhir_server.storage.history import START_OF_TIME
from fhir_server.storage.resources import Version

_KNOWN = frozenset({"_count", "_since", "_type", "_page", "_format", "_pretty"})
_PHASES = (storage.members, storage.referred)


def everything(repository: Repository, asked: Asked) -> bytes:
    unknown = next((name for name, _ in asked.query if name not in _KNOWN), None)
    if unknown:
        raise InvalidParameter(
            f"$everything does not take {unknown} here; it takes _count, _since and _type.", unknown
        )
    repository.read(asked.type, asked.id)
    found, following = _page(repository, asked)
    entries = [
        Entry(
            f"{asked.base}/{version.type}/{version.id}",
            (version.content or "").encode(),
            search=b'{"mode":"match"}',
        )
        for version in found
    ]
    shown = [("self", urlencode(asked.query))]
    if following:
        kept = [pair for pair in asked.query if pair[0] != "_page"]
        shown.append(("next", urlencode([*kept, ("_page", following)])))
    path = f"{asked.type}/{asked.id}/$everything"
    return bundle("searchset", entries, asked.base, path, shown)


def _page(repository: Repository, asked: Asked) -> tuple[list[Version], str]:
    """Return one page and the token of the next, "" after the last."""
    connection, purpose = repository.connection, f"everything {asked.type}/{asked.id}"
    token = asked.text("_page")
    phase, after = (0, storage.FIRST) if token is None else links.unseal(connection, purpose, token)
    selection = Selection(f"{asked.type}/{asked.id}", _since(asked.text("_since")), _types(asked))
    found: list[Version] = []
    while phase < len(_PHASES):
        wanted = asked.page - len(found) + 1
        rows = repository.everything(_PHASES[phase], selection, after, wanted)
        page = rows[: wanted - 1]
        found += repository.seen(page, "r")
        if len(rows) == wanted:
            place = [phase, page[-1].key if page else after]
            return found, links.seal(connection, purpose, place)
        phase, after = phase + 1, storage.FIRST
    return found, ""


def _since(text: str | None) -> datetime:
    if not text:
        return START_OF_TIME
    found = span(text)
    if found is None:
        raise InvalidParameter(f"_since has to be a date or instant, not {text!r}.", "_since")
    return storable(found[0])


def _types(asked: Asked) -> list[str] | None:
    names = [name for value in asked.values("_type") for name in str(value).split(",")]
    unknown = next((name for name in names if not structures.is_resource_type(name)), None)
    if unknown is not None:
        raise InvalidParameter(
            f"_type names {unknown!r}, which is no resource type of FHIR R4.", "_type"
        )
    return names or None
