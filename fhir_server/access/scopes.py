"""SMART scopes, version 1 and 2: what an app was granted.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal
from urllib.parse import parse_qsl

from fhir_server.definitions import structures

Context = Literal["patient", "user", "system"]
LETTERS = "cruds"
"""create, read, update, delete, search; in this order wherever they are written."""
_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Za-z]+)\.(\*|[a-z]+)(?:\?(.+))?")
_VERSION_1: Mapping[str, str] = MappingProxyType({"read": "rs", "write": "cud", "*": "cruds"})


@dataclass(frozen=True, slots=True)
class Scope:
    """One clinical scope."""

    context: Context
    type: str
    """Resource type, or "*"."""
    letters: str
    """Some of cruds, in that order."""
    criteria: tuple[tuple[str, str], ...] = ()
    """Search parameters that its resources have to fulfil: a granular scope."""
    text: str = ""
    """As it was asked for."""

    def covers(self, resource_type: str) -> bool:
        return self.type in ("*", resource_type)


def parse(text: str) -> Scope | None:
    """Return the clinical scope; None when it is none, or not well formed (openid, launch, fhirUser, ...)."""
    found = _SCOPE.fullmatch(text)
    if found is None:
        return None
    context, type_, letters, query = found.groups()
    if type_ != "*" and not structures.is_resource_type(type_):
        return None
    allowed = _VERSION_1.get(letters, letters)
    if not _in_order(allowed) or (letters in _VERSION_1 and query):
        return None
    criteria = tuple(parse_qsl(query or "", keep_blank_values=True))
    if query and not criteria:
        return None
    return Scope(context, type_, allowed, criteria, text)  # type: ignore[arg-type]


def parse_all(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Return the clinical scopes among these."""
    return tuple(scope for scope in map(parse, texts) if scope)


def _in_order(letters: str) -> bool:
    return bool(letters) and letters == "".join(each for each in LETTERS if each in letters)
