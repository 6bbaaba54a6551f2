"""Resources that others name by their canonical URL, https://hl7.org/fhir/R4/references.html#canonical.

A row carries no key of them, so the URLs are read out of the text; each is then one term of the
parameter `url`, which every type that can be named so has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from fhir_server import codec
from fhir_server.codec import Resource
from fhir_server.definitions import structures
from fhir_server.search import jsonpath
from fhir_server.search.fields import Field, fields
from fhir_server.search.paths import Path
from fhir_server.search.term import term
from fhir_server.search.types import uri
from fhir_server.storage.resources import Version

_NAMING = ("canonical", "uri")


@dataclass(slots=True)
class Names:
    """URLs that are looked for, and what each may name; filled while a page's rows are read."""

    wanted: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Type and URL to business versions; "" for any."""

    def add(self, listed: Iterable[Field], target: str, version: Version) -> None:
        """Look for what the fields of a resource name, of the target type only when there is one."""
        fitting = [each for each in listed if naming(each)]
        content = decoded(version) if fitting else {}
        for each in fitting:
            for text in jsonpath.texts(naming(each), content):
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


def naming(listed: Field) -> tuple[Path, ...]:
    """Return the reference parameter's paths to canonical URLs; () when it has none."""
    return tuple(path for path in listed.paths if path.type in _NAMING)


def pointing(listed: Iterable[Field], version: Version) -> Iterator[int]:
    """Yield the terms of what names the resource, in whatever version, by these parameters."""
    fitting = [each for each in listed if naming(each) and version.type in _types(each, "")]
    if fitting and (url := decoded(version).get("url")):
        yield from (term(each.prefix) ^ term(url) for each in fitting)


def decoded(version: Version) -> Resource:
    content: Resource = codec.decode_again((version.content or "").encode())
    return content


def _types(listed: Field, target: str) -> list[str]:
    allowed: Iterable[str] = listed.targets or structures.resource_types()
    found = [name for name in allowed if target in ("", name)]
    return [name for name in found if _has_url(fields(name))]


def _has_url(known: Mapping[str, Field]) -> bool:
    return "url" in known and known["url"].type == "uri"
