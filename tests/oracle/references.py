"""References, https://hl7.org/fhir/R4/search.html#reference."""

from __future__ import annotations

from collections.abc import Iterator

from fhir_server.definitions import structures
from tests.oracle import tokens
from tests.oracle.escape import plain
from tests.oracle.paths import Value

_LITERAL = frozenset({"uri", "url", "canonical", "oid", "uuid"})
TYPES = _LITERAL | {"Reference"}


def literals(values: list[Value], base: str) -> Iterator[str]:
    """Yield what is pointed to: "Type/id" on this server, else the URL or canonical as it is."""
    for value in values:
        text = written(value)
        if value.type not in TYPES:  # a resource that stands in the place of a reference
            text = f"{value.type}/{value.data['id']}" if "id" in value.data else ""
        if text and not text.startswith("#"):
            yield local(text, base)


def written(value: Value) -> str:
    """Return the reference as it stands in the resource; "" when it only has an identifier."""
    if value.type == "Reference":
        return str(value.data.get("reference", ""))
    return value.data if value.type in _LITERAL else ""


def local(text: str, base: str) -> str:
    """Cut our own address and the version off."""
    return text.removeprefix(f"{base}/").partition("/_history/")[0]


def is_local(text: str) -> bool:
    kind, _, id_ = text.partition("/")
    return structures.is_resource_type(kind) and bool(id_) and "/" not in id_


def matches(values: list[Value], text: str, modifier: str, base: str) -> bool:
    sought = local(plain(text), base)
    if modifier and "/" not in sought:
        sought = f"{modifier}/{sought}"
    for literal in literals(values, base):
        if modifier and literal.partition("/")[0] != modifier:
            continue
        if literal == sought or literal.partition("|")[0] == sought:
            return True
        if is_local(literal) and literal.partition("/")[2] == sought:
            return True
    return False


def identified(values: list[Value], text: str) -> bool:
    """Decide :identifier, on Reference.identifier."""
    found = [value.data["identifier"] for value in values if _has_identifier(value)]
    return tokens.matches([Value("Identifier", each) for each in found], text)


def _has_identifier(value: Value) -> bool:
    return value.type == "Reference" and "identifier" in value.data
