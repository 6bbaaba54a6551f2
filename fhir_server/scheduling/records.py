"""The few things that scheduling does with records: read, write, find, as the person or as the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fhir_server import codec
from fhir_server.access.policy import UNRESTRICTED
from fhir_server.codec import Resource
from fhir_server.repository import Repository
from fhir_server.search.parse import parse, parse_all
from fhir_server.search.query import LARGEST_COUNT, Query
from fhir_server.storage.resources import Version


def trusted(repository: Repository) -> Repository:
    """Return the server's own door on the same connection, for what was allowed before.

    The audit still says who did it.
    """
    return replace(repository, policy=UNRESTRICTED, restricted=None)


def read(repository: Repository, type_: str, id_: str) -> Resource:
    return resource_of(repository.read(type_, id_))


def resource_of(version: Version) -> Resource:
    resource: Resource = codec.decode((version.content or "").encode())
    return resource


def first(
    repository: Repository, most: int, type_: str, *criteria: tuple[str, str]
) -> list[Resource]:
    """Return so many matches of a search at most, the first in its order."""
    query = parse(type_, [*criteria, ("_count", str(most))], base_url=repository.base)
    return [resource_of(each) for each in repository.search(query)]


def find(repository: Repository, type_: str, *criteria: tuple[str, str]) -> list[Resource]:
    """Return all matches of a search, in its order."""
    return list(walk(repository, type_, *criteria))


def walk(repository: Repository, type_: str, *criteria: tuple[str, str]) -> Iterator[Resource]:
    """Yield all matches of a search, in its order, read as far as they are wanted."""
    query = parse(type_, criteria, base_url=repository.base)
    return (resource_of(each) for each in _versions(repository, query))


def find_all(
    repository: Repository, types: Sequence[str], *criteria: tuple[str, str]
) -> dict[str, list[Resource]]:
    """Return all matches of a search over several types, by type: one question instead of many."""
    query = parse_all(types, criteria, base_url=repository.base)
    found: dict[str, list[Resource]] = {name: [] for name in types}
    for version in _versions(repository, query):
        found[version.type].append(resource_of(version))
    return found


def _versions(repository: Repository, query: Query) -> Iterator[Version]:
    query, token = replace(query, count=LARGEST_COUNT), None
    while token != "":
        page = repository.page(query, token, None)
        yield from (row.version for row in page.rows)
        token = page.next


def create(repository: Repository, resource: Resource) -> Resource:
    return resource_of(repository.create(codec.made(resource)))


def save(repository: Repository, resource: Resource) -> Resource:
    """Write over the current version, which the transaction holds, or make the first one."""
    type_, id_ = resource["resourceType"], resource["id"]
    draft = repository.draft(codec.made(resource), id_=id_)
    return resource_of(repository.update(draft, repository.find(type_, id_)))


def held(repository: Repository, type_: str, id_: str) -> Resource | None:
    """Return the current version, which nobody else changes until the transaction ends; None if none."""
    found = repository.lock([f"{type_}/{id_}"]).get(f"{type_}/{id_}")
    return resource_of(found) if found is not None and found.content is not None else None


def save_all(repository: Repository, resources: Sequence[Resource]) -> None:
    """Write many; each either new or over what is current."""
    if not resources:
        return
    names = [f"{each['resourceType']}/{each['id']}" for each in resources]
    current = repository.lock(names)
    drafts = [repository.draft(codec.made(each), id_=each["id"]) for each in resources]
    repository.write_all(drafts, current)
