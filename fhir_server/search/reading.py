"""What the reader of a search value has to know besides the text, https://hl7.org/fhir/R4/search.html."""

from __future__ import annotations

from dataclasses import dataclass

from fhir_server.errors import InvalidParameter
from fhir_server.search.fields import Field
from fhir_server.search.predicates import PREFIXES


@dataclass(frozen=True, slots=True)
class Reading:
    """Where and when the search is read."""

    base_url: str
    """Our own base without final slash."""
    now: int
    """Microseconds since 1970 UTC, for `ap`."""


def refuse(field: Field, text: str, rule: str) -> InvalidParameter:
    """Return the error for a value that cannot be read."""
    return InvalidParameter(f"The value {text!r} of parameter {field.code!r} is wrong: {rule}")


def prefixed(text: str) -> tuple[str, str]:
    """Split the prefix from an ordered value; eq when there is none."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
