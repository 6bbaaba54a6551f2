"""Read the conformance resources of a FHIR package, https://hl7.org/fhir/R4/downloads.html."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

Resource = dict[str, Any]

_READ = frozenset(
    {
        "StructureDefinition",
        "SearchParameter",
        "ValueSet",
        "CodeSystem",
        "CompartmentDefinition",
        "OperationDefinition",
    }
)


@dataclass(frozen=True, slots=True)
class Package:
    """The conformance resources by type, each sorted by canonical URL."""

    resources: Mapping[str, tuple[Resource, ...]]

    def by_url(self, resource_type: str) -> dict[str, Resource]:
        """Return the resources of one type by canonical URL."""
        return {resource["url"]: resource for resource in self.resources[resource_type]}


def read(archive: Path) -> Package:
    """Read the package's .tgz file."""
    found: dict[str, list[Resource]] = {name: [] for name in _READ}
    for resource in _resources(archive):
        found[resource["resourceType"]].append(resource)
    return Package({name: tuple(sorted(listed, key=_url)) for name, listed in found.items()})


def _resources(archive: Path) -> Iterator[Resource]:
    with tarfile.open(archive) as files:
        for member in files:
            folder, _, name = member.name.rpartition("/")
            if folder == "package" and name.partition("-")[0] in _READ:
                content = files.extractfile(member)
                if content is not None:
                    yield msgspec.json.decode(content.read(), type=Resource)


def _url(resource: Resource) -> str:
    return str(resource["url"])


def last_step(canonical: str) -> str:
    """Return the bare name at the end of a canonical URL, without its version."""
    return unversioned(canonical).rpartition("/")[2]


def unversioned(canonical: str) -> str:
    """Return the canonical URL without "|version"."""
    return canonical.partition("|")[0]
