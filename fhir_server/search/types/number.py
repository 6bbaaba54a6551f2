"""Numbers, https://hl7.org/fhir/R4/search.html#number.

Significant digits count in the query, not in the index.
"""

from __future__ import annotations

import re
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.definitions.structures import Element
from fhir_server.search.fields import Field
from fhir_server.search.predicates import InNumbers, Predicate
from fhir_server.search.reading import Reading, prefixed, refuse
from fhir_server.search.rows import Emit, Emitters, Rows

LEAST = Decimal("-1E+99")
MOST = Decimal("1E+99")
"""Open ends: psycopg2 writes Decimal's infinity as NaN."""


def _number(field: Field, _: Element | None) -> Emit:
    present, param = field.present, field.param

    def emit(value: int | Decimal, rows: Rows) -> None:
        exact = Decimal(value)
        rows.terms.append(present)
        rows.numbers.append((param, exact, exact, 0, 0))

    return emit


def bounds(value: dict[str, Any]) -> tuple[Decimal, Decimal] | None:
    """Return the ends of a Range, a missing one open; None when both are missing."""
    low, high = value.get("low", {}), value.get("high", {})
    if "value" not in low and "value" not in high:
        return None
    least = Decimal(low["value"]) if "value" in low else LEAST
    return least, Decimal(high["value"]) if "value" in high else MOST


def _range(field: Field, _: Element | None) -> Emit:
    present, param = field.present, field.param

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        ends = bounds(value)
        if ends:
            rows.numbers.append((param, *ends, 0, 0))

    return emit


EMITTERS: Emitters = MappingProxyType(
    {
        "decimal": _number,
        "integer": _number,
        "positiveInt": _number,
        "unsignedInt": _number,
        "Range": _range,
    }
)


MODIFIERS: tuple[str, ...] = ()

_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)


def read(field: Field, _modifier: str, text: str, _: Reading) -> Predicate:
    """Return the predicate of a number with a prefix."""
    comparison, low, high = read_range(field, text)
    return InNumbers(field.param, comparison, low, high, single=field.single)


def read_range(field: Field, text: str) -> tuple[str, Decimal, Decimal]:
    """Return comparison and range; only eq, ne and ap heed how many digits were written."""
    prefix, written = prefixed(text)
    if not _NUMBER.fullmatch(written):
        raise refuse(field, text, "write a number such as 5.4, 1e2 or ge100.")
    number = Decimal(written)
    if prefix == "ap":
        return prefix, number - abs(number) / 10, number + abs(number) / 10
    if prefix not in ("eq", "ne"):
        return prefix, number, number
    half = Decimal((0, (5,), int(number.as_tuple().exponent) - 1))
    return f"{prefix}-number", number - half, number + half
