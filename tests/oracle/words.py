"""Words of the narrative and of the whole content, for `_text` and `_content`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from fhir_server.definitions import structures
from tests.oracle.escape import plain
from tests.oracle.strings import fold


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", fold(text)))


def matches(resource: dict[str, Any], code: str, text: str) -> bool:
    """Decide whether all words of the value are there; quotes around a phrase mean its words."""
    own = words(narrative(resource))
    if code == "_content":
        own.update(*map(words, prose(resource, resource["resourceType"])))
    return words(plain(text)) <= own


def narrative(resource: dict[str, Any]) -> str:
    return untagged(resource.get("text", {}).get("div", ""))


def untagged(xhtml: str) -> str:
    return unescape(re.sub(r"<[^>]*>", " ", xhtml))


def prose(node: dict[str, Any], path: str) -> Iterator[str]:
    """Yield every text for people below, of contained resources and extensions too.

    Ids and literal references are strings by their type, but nothing that people read.
    """
    for name, (element, type_code) in structures.json_elements(path).items():
        below = node.get(name, [])
        for item in below if isinstance(below, list) else [below]:
            if name in ("id", "reference") and isinstance(item, str):
                continue
            if type_code in ("string", "markdown") and isinstance(item, str):
                yield item
            elif type_code == "xhtml":
                yield untagged(item)
            elif isinstance(item, dict):
                inner = item.get("resourceType") or structures.child_path(element, type_code)
                yield from prose(item, inner)
