"""What patients' Consents deny to a principal, beyond what the roles say. https://hl7.org/fhir/R4/consent.html

Read are active privacy consents that name the principal as an actor, or nobody in particular. Each provision that
denies, at whatever depth, takes away what it describes: kinds of resources (class), security labels, for a period.
What is permitted within a denial is not given back: rather too little is shown than too much.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from fhir_server import codec
from fhir_server.access.principal import Principal
from fhir_server.database import Connection
from fhir_server.definitions import structures
from fhir_server.search.parse import parse
from fhir_server.search.predicates import AllOf, AnyOf, HasTerm, Not, OfTypes, Predicate
from fhir_server.search.query import Query
from fhir_server.search.term import COMPARTMENT, compartment_term
from fhir_server.search.types.date import span
from fhir_server.storage import searches

TYPE = "Consent"
MOST = 10_000
MOST_KNOWN = 5_000
FRESH_S = 1.0
_CRITERIA = (("status", "active"), ("scope", "patient-privacy"))


@dataclass(frozen=True, slots=True)
class Denials:
    withheld: frozenset[int]
    """Keys of the patients whose whole record is denied."""
    predicates: tuple[Predicate, ...]
    """They hold of what no Consent denies."""


@dataclass(slots=True)
class Consents:
    """What a process knows of them: for a second, or until it writes one itself."""

    _known: dict[tuple[str, frozenset[str]], tuple[float, Denials]] = field(default_factory=dict)

    def denied(self, connection: Connection, principal: Principal, base: str) -> Denials:
        """Return what Consents deny to the principal, or did a second ago."""
        who = principal.user, principal.emergency
        read_at, known = self._known.get(who, (0.0, None))
        if known is None or time.monotonic() - read_at > FRESH_S:
            known = denials(connection, principal, base)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[who] = time.monotonic(), known
        return known

    def forget(self) -> None:
        self._known.clear()


def denials(connection: Connection, principal: Principal, base: str) -> Denials:
    """Return what Consents deny to the principal."""
    found: list[AllOf] = []
    for query in _queries(principal.user, base):
        for version in searches.first(connection, query, MOST, base):
            consent = codec.decode_again((version.content or "").encode())
            found += _denied(consent, principal)
    whole = [each.predicates[0] for each in found if len(each.predicates) == 1]
    withheld = frozenset(COMPARTMENT ^ each.term for each in whole if isinstance(each, HasTerm))
    return Denials(withheld, tuple(Not(each) for each in dict.fromkeys(found)))


@lru_cache(maxsize=2**10)
def _queries(user: str, base: str) -> tuple[Query, ...]:
    """Return the searches for the Consents that name the user, and for those that name nobody."""
    return tuple(
        parse(TYPE, [*_CRITERIA, whose, ("_count", "1000")], base_url=base)
        for whose in (("actor", user), ("actor:missing", "true"))
    )


def _denied(consent: Any, principal: Principal) -> Iterator[AllOf]:
    patient = consent.get("patient", {}).get("reference", "")
    whole = [patient.endswith(f"Patient/{id_}") for id_ in principal.emergency]
    if not patient or any(whole):
        return
    name = "Patient/" + patient.rpartition("/")[2]
    for provision in _provisions(consent.get("provision", {})):
        if provision.get("type") == "deny" and _is_for(provision, principal) and _now(provision):
            yield AllOf((HasTerm(compartment_term(name), typed=False), *_narrowed(provision)))


def _provisions(provision: Any) -> Iterator[Any]:
    yield provision
    for inner in provision.get("provision", []):
        yield from _provisions(inner)


def _is_for(provision: Any, principal: Principal) -> bool:
    actors = [each.get("reference", {}).get("reference", "") for each in provision.get("actor", [])]
    return not actors or any(f"/{each}".endswith(f"/{principal.user}") for each in actors)


def _now(provision: Any) -> bool:
    period = provision.get("period", {})
    now = datetime.now(UTC).timestamp() * 1e6
    start, end = span(period.get("start", "")), span(period.get("end", ""))
    return (start is None or start[0] <= now) and (end is None or now <= end[1])


def _narrowed(provision: Any) -> Iterator[Predicate]:
    """Return what of the patient's record is meant; nothing more when all of it is."""
    classes = [each["code"] for each in provision.get("class", []) if each.get("code")]
    types = [code for code in classes if structures.is_resource_type(code)]
    if types:
        yield OfTypes(tuple(types))
    labels = provision.get("securityLabel", [])
    if labels:
        yield AnyOf(tuple(_labels(labels)))


def _labels(labels: Sequence[Any]) -> Iterator[Predicate]:
    for label in labels:
        value = f"{label.get('system', '')}|{label['code']}" if "system" in label else label["code"]
        for name in structures.resource_types():
            yield from (each.predicate for each in parse(name, [("_security", value)]).conditions)
