"""What the reader of a search value has to know besides the text, https://hl7.org/fhir/R4/search.html."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fhir_server.definitions import expansions, hierarchies
from fhir_server.definitions.compositions import NotEnumerable
from fhir_server.errors import InvalidParameter
from fhir_server.search.fields import Field
from fhir_server.search.predicates import PREFIXES

Related = Callable[[str, str], frozenset[str]]
"""Takes code system and code; returns the code itself and those on one side of it."""


@dataclass(frozen=True, slots=True)
class Terminology:
    """What is known of codes; asked only by the modifiers that need it."""

    codes: Callable[[str], Mapping[str, frozenset[str]]]
    """Codes by code system of a value set, by canonical URL or "ValueSet/id"; raises NotEnumerable."""
    ancestors: Related
    descendants: Related
    systems_of: Callable[[str], frozenset[str]]
    """The code systems known to have the code."""


def _codes_in_r4(value_set: str) -> Mapping[str, frozenset[str]]:
    codes = expansions.expansion(value_set.partition("|")[0])
    if codes is None:
        raise NotEnumerable("R4 does not list its codes.")
    return codes


R4 = Terminology(
    _codes_in_r4, hierarchies.ancestors, hierarchies.descendants, hierarchies.systems_of
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Where and when the search is read, and what is known of codes then."""

    base_url: str
    """Our own base without final slash."""
    now: int
    """Microseconds since 1970 UTC, for `ap`."""
    terminology: Terminology = R4


def refuse(field: Field, text: str, rule: str) -> InvalidParameter:
    """Return the error for a value that cannot be read."""
    return InvalidParameter(f"The value {text!r} of parameter {field.code!r} is wrong: {rule}")


def prefixed(text: str) -> tuple[str, str]:
    """Split the prefix from an ordered value; eq when there is none."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
