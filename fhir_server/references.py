"""Literal references in a resource's compact text, https://hl7.org/fhir/R4/references.html#literal.

The text is searched, not the decoded tree: in compact JSON `"reference":"` can only begin a property
(inside a string its quotes would be escaped), so a regular expression finds every one, at any depth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import msgspec

from fhir_server.definitions import structures

_REFERENCE = re.compile(rb'"reference":"([^"\\]*(?:\\.[^"\\]*)*)"')
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
ID_RULE = "1 to 64 letters, digits, hyphens and points"


def literals(text: bytes) -> Iterator[str]:
    """Yield each reference as it is written."""
    for found in _REFERENCE.findall(text):
        yield _unescape(found)


def local(text: bytes, base: str) -> list[str]:
    """Return the distinct "Type/id" of this server that the text refers to; base ends without a slash."""
    found = (local_target(reference, base) for reference in literals(text))
    return list(dict.fromkeys(target for target in found if target))


@lru_cache(maxsize=1 << 15)
def local_target(reference: str, base: str) -> str:
    """Return "Type/id" when the reference leads to a resource of this server, "" otherwise."""
    if "://" in reference:
        if not reference.startswith(base + "/"):
            return ""
        reference = reference[len(base) + 1 :]
    kind, _, rest = reference.partition("#")[0].partition("/")
    id_, _, version = rest.partition("/")
    if version and not version.startswith("_history/"):
        return ""
    if ID.fullmatch(id_) and structures.is_resource_type(kind):
        return f"{kind}/{id_}"
    return ""


def rewrite(text: bytes, target: Callable[[str], str]) -> bytes:
    """Replace each reference by what `target` says of it."""

    def replace(match: re.Match[bytes]) -> bytes:
        before = _unescape(match[1])
        after = target(before)
        return match[0] if after == before else b'"reference":' + msgspec.json.encode(after)

    return _REFERENCE.sub(replace, text)


def _unescape(written: bytes) -> str:
    if b"\\" in written:
        return msgspec.json.decode(b'"' + written + b'"', type=str)
    return written.decode()


_URL_TYPES = frozenset({"uri", "url", "oid", "uuid"})
_LINK = re.compile(r'(\s(?:href|src)=")([^"]*)(")')


def rewrite_tree(node: object, path: str, target: Callable[[str], str]) -> object:
    """Replace in elements of type uri, url, oid, uuid and in narrative links, as transactions ask.

    https://hl7.org/fhir/R4/http.html#trules. Slow: only for a text that still holds a replaced name.
    """
    if not isinstance(node, dict):
        return node
    kind = node.get("resourceType")
    known = structures.json_elements(kind if isinstance(kind, str) else path)
    return {
        name: _rewrite_member(name, value, known.get(name), target) for name, value in node.items()
    }


def _rewrite_member(
    name: str,
    value: object,
    known: tuple[structures.Element, str] | None,
    target: Callable[[str], str],
) -> object:
    if known is None:
        return value
    if isinstance(value, list):
        return [_rewrite_member(name, item, known, target) for item in value]
    element, code = known
    if isinstance(value, dict):
        return rewrite_tree(value, structures.child_path(element, code), target)
    if isinstance(value, str) and code in _URL_TYPES:
        return target(value)
    if isinstance(value, str) and code == "xhtml":
        return _LINK.sub(lambda found: found[1] + target(found[2]) + found[3], value)
    return value


_URN = re.compile(rb"(?:urn:(?:uuid|oid):|https?://)[^\"\\\s#]+")


def urns(text: bytes) -> Iterator[str]:
    """Yield what in the text looks like a resource's full URL."""
    for found in _URN.findall(text):
        yield found.decode()


def path_to(node: object, name: str, path: str) -> str:
    """Return the FHIRPath of the first element that refers to the name."""
    if isinstance(node, list):
        pairs: Iterable[tuple[str, object]] = (
            (f"{path}[{i}]", item) for i, item in enumerate(node)
        )
    elif isinstance(node, dict):
        written = node.get("reference")
        if isinstance(written, str) and (written == name or f"/{name}" in f"/{written}"):
            return f"{path}.reference"
        pairs = ((f"{path}.{key}", value) for key, value in node.items())
    else:
        return ""
    return next((found for at, item in pairs if (found := path_to(item, name, at))), "")
