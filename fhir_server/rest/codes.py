"""Which interaction a route and method is: https://hl7.org/fhir/R4/valueset-restful-interaction.html"""

from __future__ import annotations

from collections.abc import Sequence

Route = tuple[str, str, str]
"""Shape of the address, method, code."""

OF_TYPE: Sequence[Route] = (
    ("T/i", "GET", "read"),
    ("T/i/_history/v", "GET", "vread"),
    ("T/i", "PUT", "update"),
    ("T/i", "PATCH", "patch"),
    ("T/i", "DELETE", "delete"),
    ("T/i/_history", "GET", "history-instance"),
    ("T/_history", "GET", "history-type"),
    ("T", "POST", "create"),
    ("T", "GET", "search-type"),
)
OF_SYSTEM: Sequence[Route] = (
    ("", "POST", "transaction"),
    ("", "POST", "batch"),
    ("_history", "GET", "history-system"),
    ("", "GET", "search-system"),
)
ALSO: Sequence[Route] = (
    ("_search", "POST", "search-system"),
    ("metadata", "GET", "capabilities"),
    ("T", "PUT", "update"),
    ("T", "PATCH", "patch"),
    ("T", "DELETE", "delete"),
    ("T/_search", "POST", "search-type"),
    ("T/i/T", "GET", "search-type"),
    ("T/i/T/_search", "POST", "search-type"),
    ("T/i/_search", "POST", "search-type"),
)
"""The same interactions by other addresses, and what a CapabilityStatement does not list."""
