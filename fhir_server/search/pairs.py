"""Conditions on a row `i` of number_index that holds two numbers, one as low and one as high.

https://hl7.org/fhir/R4/search.html#combining, https://hl7.org/fhir/R4/location.html#positional
"""

from __future__ import annotations

from decimal import Decimal

from fhir_server.search import sphere
from fhir_server.search.predicates import COMPARISONS, Bounds, InPairs, Near
from fhir_server.search.writer import Writer


def lies(predicate: InPairs, writer: Writer) -> str:
    """Return SQL that compares each number by itself."""
    first = _compared("i.low", predicate.first, writer)
    return f"{first} AND {_compared('i.high', predicate.second, writer)}"


def _compared(column: str, bounds: Bounds, writer: Writer) -> str:
    """Compare a number that is exact: its first and last are one."""
    comparison, low, high = bounds
    return COMPARISONS[comparison].sql.format(
        first=column,
        last=column,
        low=f"{writer.bind(low)}::numeric",
        high=f"{writer.bind(high)}::numeric",
    )


def is_near(predicate: Near, writer: Writer) -> str:
    """Return SQL of the distance; latitudes lead the index, longitudes spare most of the formula."""
    box = sphere.box(predicate)
    holds = [_between("i.low", box.south, box.north, writer)]
    if box.longitudes:
        ranges = [_between("i.high", west, east, writer) for west, east in box.longitudes]
        holds.append(f"({' OR '.join(ranges)})")
    exact = sphere.HAVERSINE.format(
        latitude="i.low::float8",
        longitude="i.high::float8",
        at_latitude=f"{writer.bind(predicate.latitude)}::float8",
        at_longitude=f"{writer.bind(predicate.longitude)}::float8",
        limit=f"{writer.bind(sphere.limit(predicate))}::float8",
    )
    return " AND ".join([*holds, exact])


def _between(column: str, low: float, high: float, writer: Writer) -> str:
    bounds = [f"{writer.bind(Decimal(repr(each)))}::numeric" for each in (low, high)]
    return f"({column} >= {bounds[0]} AND {column} <= {bounds[1]})"
