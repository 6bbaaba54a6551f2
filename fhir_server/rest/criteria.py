"""Criteria of conditional interactions: a search that has to find one resource at most.

https://hl7.org/fhir/R4/http.html#ccreate. Two requests with the same criteria wait for each other
(an advisory lock on the normalised criteria), so they cannot both find nothing and both create;
requests with other criteria do not wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fhir_server.errors import InvalidParameter, PreconditionFailed
from fhir_server.repository import Repository
from fhir_server.rest.web import pairs
from fhir_server.search.parse import parse
from fhir_server.search.query import Query, normalised
from fhir_server.search.reading import Terminology
from fhir_server.storage.resources import Version


@dataclass(frozen=True, slots=True)
class Criteria:
    type: str
    query: Query
    name: str
    """The same for criteria that mean the same: what the lock is taken on."""


def query(type_: str, parameters: Iterable[tuple[str, str]], terminology: Terminology) -> Criteria:
    stated = list(parameters)
    if not stated:
        raise PreconditionFailed(
            f"Without an id the request needs criteria, such as {type_}?identifier=system|value."
        )
    parsed = parse(type_, [*stated, ("_count", "2")], terminology=terminology)
    if parsed.contained != "false":
        raise InvalidParameter(
            "Criteria name a resource of its own, so they take no _contained; leave it out.",
            "_contained",
        )
    return Criteria(type_, parsed, normalised(parsed))


def header(type_: str, text: str, terminology: Terminology) -> Criteria:
    """Read If-None-Exist, which some clients send with the type or a question mark in front."""
    return query(type_, pairs(text.rpartition("?")[2]), terminology)


def matches(repository: Repository, criteria: Criteria) -> list[Version]:
    """Return at most two matches, after everyone else with the same criteria is done."""
    repository.serialise([criteria.name])
    return found(repository, criteria)


def found(repository: Repository, criteria: Criteria) -> list[Version]:
    """Return at most two matches; the caller has serialised on the criteria's name if it may write."""
    return repository.search(criteria.query)
