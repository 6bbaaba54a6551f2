"""Invariants of Bundle, https://hl7.org/fhir/R4/bundle.html#invs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fhir_server.validation.invariants import Check, Node

_REQUESTS = ("batch", "transaction", "history")
_RESPONSES = ("batch-response", "transaction-response", "history")


def _entries(node: Node) -> list[Node]:
    entries: list[Node] = node.get("entry", [])
    return entries


def _resource(node: Node) -> Node:
    entries = _entries(node)
    resource: Node = entries[0].get("resource", {}) if entries else {}
    return resource


def _bdl_1(node: Node) -> bool:
    return "total" not in node or node.get("type") in ("searchset", "history")


def _bdl_2(node: Node) -> bool:
    return node.get("type") == "searchset" or not any("search" in entry for entry in _entries(node))


def _bdl_3(node: Node) -> bool:
    wanted = node.get("type") in _REQUESTS
    return all(("request" in entry) == wanted for entry in _entries(node))


def _bdl_4(node: Node) -> bool:
    wanted = node.get("type") in _RESPONSES
    return all(("response" in entry) == wanted for entry in _entries(node))


def _bdl_7(node: Node) -> bool:
    if node.get("type") == "history":
        return True
    seen = [_identity(entry) for entry in _entries(node) if "fullUrl" in entry]
    return len(seen) == len(set(seen))


def _identity(entry: Node) -> tuple[Any, str]:
    meta = entry.get("resource", {}).get("meta", {})
    version = meta.get("versionId", "") if isinstance(meta, dict) else ""
    return entry["fullUrl"], str(version)


def _bdl_8(node: Node) -> bool:
    return "/_history/" not in node.get("fullUrl", "")


def _bdl_9(node: Node) -> bool:
    identifier = node.get("identifier", {})
    return node.get("type") != "document" or ("system" in identifier and "value" in identifier)


def _bdl_10(node: Node) -> bool:
    return node.get("type") != "document" or "timestamp" in node


def _bdl_11(node: Node) -> bool:
    return node.get("type") != "document" or _resource(node).get("resourceType") == "Composition"


def _bdl_12(node: Node) -> bool:
    return node.get("type") != "message" or _resource(node).get("resourceType") == "MessageHeader"


CHECKS: Mapping[str, tuple[Check, ...]] = MappingProxyType(
    {
        "Bundle": (
            Check("bdl-1", _bdl_1, "give total only with type searchset or history"),
            Check("bdl-2", _bdl_2, "give entry.search only with type searchset"),
            Check(
                "bdl-3",
                _bdl_3,
                f"give every entry a request when the type is {', '.join(_REQUESTS)}, else none",
            ),
            Check(
                "bdl-4",
                _bdl_4,
                f"give every entry a response when the type is {', '.join(_RESPONSES)}, else none",
            ),
            Check("bdl-7", _bdl_7, "give each fullUrl once"),
            Check("bdl-9", _bdl_9, "a document has an identifier with system and value"),
            Check("bdl-10", _bdl_10, "a document has a timestamp"),
            Check("bdl-11", _bdl_11, "the first entry of a document is a Composition"),
            Check("bdl-12", _bdl_12, "the first entry of a message is a MessageHeader"),
        ),
        "Bundle.entry": (
            Check("bdl-8", _bdl_8, "a fullUrl names no version; leave out /_history/"),
        ),
    }
)
