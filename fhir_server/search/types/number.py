"""Numbers, https://hl7.org/fhir/R4/search.html#number.

Significant digits count in the query, not in the index.
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType

from fhir_server.definitions.structures import Element
from fhir_server.search.fields import Field
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


EMITTERS: Emitters = MappingProxyType(
    {"decimal": _number, "integer": _number, "positiveInt": _number, "unsignedInt": _number}
)
