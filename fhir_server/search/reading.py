"""What the reader of a search value has to know besides the text, https://hl7.org/fhir/R4/search.html."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fhir_server.definitions import code_systems
from fhir_server.definitions.composition import NotEnumerable
from fhir_server.definitions.expansions import expansion
from fhir_server.errors import InvalidParameter
from fhir_server.search.fields import Field
from fhir_server.search.predicates import PREFIXES

Codes = frozenset[str]


@dataclass(frozen=True, slots=True)
class Terminology:
    """What is known of codes; asked only for values that need it."""

    expansion: Callable[[str], Mapping[str, Codes]]
    """Takes a value set's canonical URL or "ValueSet/id", gives codes by system; or NotEnumerable."""
    ancestors: Callable[[str, str], Codes]
    """Takes system and code, gives the code and those above it."""
    descendants: Callable[[str, str], Codes]
    """The same for those below it."""
    systems_of: Callable[[str], Codes]
    """Takes a code, gives the systems in whose hierarchies it stands."""


def _expansion(url: str) -> Mapping[str, Codes]:
    codes = expansion(url)
    if codes is None:
        message = (
            f"{url!r} is no value set that R4 enumerates; store it on this server as a ValueSet."
        )
        raise NotEnumerable(message)
    return codes


R4 = Terminology(
    _expansion, code_systems.ancestors, code_systems.descendants, code_systems.systems_of
)
"""R4's own value sets and code systems, and no others."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Where and when the search is read, and what is known of codes."""

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
