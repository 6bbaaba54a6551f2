"""How a string lies to that of the search, in SQL: by the beginning, anywhere, by code points."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fhir_server.search.predicates import InStrings, TextMode
from fhir_server.search.writer import Writer

# What stands before the value, the operator, what stands behind; the column has collation "C".
_TEXT_HOLDS: Mapping[TextMode, tuple[str, str, str]] = MappingProxyType(
    {
        "begins": ("", "LIKE", "%"),
        "contains": ("%", "LIKE", "%"),
        "ends": ("%", "LIKE", ""),
        "equals": ("", "=", ""),
        "gt": ("", ">", ""),
        "lt": ("", "<", ""),
        "ge": ("", ">=", ""),
        "le": ("", "<=", ""),
    }
)


def lies(predicate: InStrings, writer: Writer) -> str:
    """Return the condition on the value of row i."""
    before, operator, behind = _TEXT_HOLDS[predicate.mode]
    value = literal(predicate.value) if operator == "LIKE" else predicate.value
    return f"i.value {operator} {writer.bind(before + value + behind)}"


def literal(text: str) -> str:
    """Return a LIKE pattern that means the text."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
