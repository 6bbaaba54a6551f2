"""Resources that others name by their canonical URL, https://hl7.org/fhir/R4/references.html#canonical.

A row carries no key of them, so the URLs are read out of the text; each is then one term of the
parameter `url`, which every type that can be named so has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fhir_server import codec
from fhir_server.codec import Resource
from fhir_server.definitions import structures
from fhir_server.search import jsonpath, naming
from fhir_server.search.fields import Field, fields
from fhir_server.search.types import uri
from fhir_server.storage.resources import Version


@dataclass(slots=True)
class Names:
    """URLs that are looked for, and what each may name; filled while a page's rows are read."""

    wanted: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Type and URL to business versions; "" for any."""

    def add(self, listed: Iterable[Field], target: str, version: Version) -> None:
        """Look for what the fields of a resource name, of the target type only when there is one."""
        fitting = [each for each in listed if naming.paths(each)]
        content = decoded(version) if fitting else {}
        for each in fitting:
            for text in jsonpath.texts(naming.paths(each), content):
                url, _, business = text.partition("|")
                for kind in _types(each, target):
                    self.wanted.setdefault((kind, url), set()).add(business)

    def terms(self) -> list[int]:
        """Return the terms that the resources which are looked for have."""
        return [uri.exact(fields(kind)["url"].prefix, url) for kind, url in self.wanted]

    def names(self, version: Version) -> bool:
        """Tell whether a resource is one that was looked for, not just one of another version."""
        content = decoded(version)
        versions = self.wanted.get((version.type, str(content.get("url", ""))), set())
        return bool(versions & {"", str(content.get("version", ""))})


def pointing(listed: Iterable[Field], version: Version) -> Iterator[int]:
    """Yield the terms of what names the resource, its version or any, by these parameters."""
    fitting = [each for each in listed if naming.paths(each) and version.type in _types(each, "")]
    content = decoded(version) if fitting else {}
    for name in naming.names(content, content["url"]) if "url" in content else ():
        yield from (naming.difference(each) ^ name for each in fitting)


def decoded(version: Version) -> Resource:
    content: Resource = codec.decode_again((version.content or "").encode())
    return content


def _types(listed: Field, target: str) -> list[str]:
    allowed: Iterable[str] = listed.targets or structures.resource_types()
    found = [name for name in allowed if target in ("", name)]
    return [name for name in found if naming.can_be_named(name)]
