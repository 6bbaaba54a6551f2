"""What the pages here show of the records: patients and encounters that a person may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from fhir_server import codec
from fhir_server.access.principal import Principal
from fhir_server.errors import FHIRError
from fhir_server.repository import Repository
from fhir_server.search.parse import parse
from fhir_server.search.query import Query
from smart_auth import sessions
from smart_auth.auth import Auth
from smart_auth.sessions import Signed

T = TypeVar("T")
MOST = 20
"""Lines of a list; a search narrows it down."""


@dataclass(frozen=True, slots=True)
class Line:
    """A resource to choose."""

    id: str
    words: str
    more: str = ""


def patients(auth: Auth, signed: Signed, words: str = "") -> Sequence[Line]:
    """Return the first patients that the person may see, of those whose names begin so."""
    named = [("name", word) for word in words.split()[:4]]
    return [_patient(each) for each in _search(auth, signed, "Patient", named)]


def patient(auth: Auth, signed: Signed, id_: str) -> Line | None:
    """Return the patient; None when there is none that the person may see."""
    found = _search(auth, signed, "Patient", [("_id", id_)]) if id_ else []
    return _patient(found[0]) if found else None


def encounters(auth: Auth, signed: Signed, patient_id: str, id_: str = "") -> Sequence[Line]:
    """Return the patient's latest encounters, or the one of the id."""
    criteria = [("patient", f"Patient/{patient_id}"), ("_sort", "-date")]
    if id_:
        criteria.append(("_id", id_))
    return [_encounter(each) for each in _search(auth, signed, "Encounter", criteria)]


def _search(auth: Auth, signed: Signed, kind: str, criteria: list[tuple[str, str]]) -> list[Any]:
    who = sessions.principal(signed)
    try:
        found = looked(
            auth,
            who,
            kind,
            [*criteria, ("_count", str(MOST))],
            lambda repository, query: repository.search(query),
        )
    except FHIRError:
        # Nothing that they may see, or nothing that can be searched by these words.
        return []
    return [codec.decode((each.content or "").encode()) for each in found]


def looked(
    auth: Auth,
    principal: Principal,
    kind: str,
    criteria: Sequence[tuple[str, str]],
    work: Callable[[Repository, Query], T],
) -> T:
    """Search the records for a page as the principal may, and keep that in the audit; FHIRError passes."""
    store = auth.store.acting(principal)
    if store.access is not None:
        store.access.interaction, store.access.type = "search-type", kind
        store.access.query = urlencode(criteria)
    status = 500
    try:
        query = parse(kind, criteria, base_url=auth.fhir)
        found = store.reading(lambda repository: work(repository, query))
        status = 200
    except FHIRError as refusal:
        status = refusal.status
        raise
    finally:
        store.end(status)
    return found


def _patient(resource: Any) -> Line:
    return Line(
        resource["id"],
        name_of(resource),
        f"born {resource['birthDate']}" if "birthDate" in resource else "",
    )


def name_of(resource: Any) -> str:
    """Return a person's name as it is written."""
    for name in resource.get("name", []):
        parts = [*name.get("given", []), name.get("family", "")]
        if text := name.get("text") or " ".join(filter(None, parts)):
            return str(text)
    return f"{resource['resourceType']} {resource['id']}"


def _encounter(resource: Any) -> Line:
    kinds = [_concept(each) for each in resource.get("type", [])]
    start = str(resource.get("period", {}).get("start", ""))[:10]
    words = next(filter(None, kinds), "Encounter")
    return Line(resource["id"], words, f"{start} {resource['status']}".strip())


def _concept(concept: Any) -> str:
    shown = [each.get("display", "") for each in concept.get("coding", [])]
    return str(concept.get("text") or next(filter(None, shown), ""))
