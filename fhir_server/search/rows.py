"""What one resource is indexed by, while it is being collected, https://hl7.org/fhir/R4/search.html."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fhir_server.codec import Resource
from fhir_server.definitions.structures import Element
from fhir_server.search.fields import Field

DateRow = tuple[int, int, int]
"""Parameter, first and last microsecond since 1970 UTC."""
StringRow = tuple[int, str]
"""Parameter and normalised text."""
NumberRow = tuple[int, Decimal, Decimal, int, int]
"""Parameter, low, high, hash of system and code, hash of code or unit text."""


@dataclass(slots=True)
class Rows:
    """Collects in place: one is made for each resource, and emitters append to its lists."""

    resource: Resource
    base_url: str
    """Our own base without final slash: absolute references below it are local."""
    terms: list[int] = field(default_factory=list)
    references: list[tuple[int, int]] = field(default_factory=list)
    dates: list[DateRow] = field(default_factory=list)
    numbers: list[NumberRow] = field(default_factory=list)
    strings: list[StringRow] = field(default_factory=list)
    texts: list[StringRow] = field(default_factory=list)
    """What `:text` finds; they repeat so often that a table holds each once, and the row its term."""


Emit = Callable[[Any, Rows], None]
"""Adds what one FHIR value of one parameter is indexed by."""
Emitter = Callable[[Field, Element | None], Emit]
Emitters = Mapping[str, Emitter]
"""By FHIR type of the value."""
