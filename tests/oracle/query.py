"""One `name=value` of a search as a value, https://hl7.org/fhir/R4/search.html."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.oracle.escape import divide


@dataclass(frozen=True, slots=True)
class Asked:
    """A parameter, the values that it may have, and how it is reached."""

    code: str
    modifier: str = ""
    values: tuple[str, ...] = ()
    """Still escaped."""
    step: Literal["", "chain", "has"] = ""
    target: str = ""
    """Of a chain the type that is pointed to, or ""; of _has the type that points here."""
    beyond: Asked | None = None
    """What has to hold at the other end of the chain or _has."""


def asked(name: str, text: str) -> Asked:
    """Read one name and value."""
    if name.startswith("_has:"):
        _, source, code, rest = name.split(":", 3)
        return Asked(code, step="has", target=source, beyond=asked(rest, text))
    link, dot, rest = name.partition(".")
    code, _, modifier = link.partition(":")
    if dot:
        return Asked(code, step="chain", target=modifier, beyond=asked(rest, text))
    return Asked(code, modifier, tuple(divide(text, ",")))
