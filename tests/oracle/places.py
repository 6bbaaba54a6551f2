"""`Location.near`, https://hl7.org/fhir/R4/location.html#positional."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from tests.oracle.escape import divide
from tests.oracle.paths import Value

_RADIUS = 6371.0088
_KILOMETRES = {
    "km": 1.0,
    "m": 0.001,
    "[mi_i]": 1.609344,
    "mi": 1.609344,
    "[mi_us]": 1609.347218694438 / 1000,
}


def near(values: list[Value], text: str) -> bool:
    latitude, longitude, *rest = divide(text, "|")
    distance = float(rest[0]) if rest and rest[0] else 50.0
    reach = distance * _KILOMETRES[rest[1] if len(rest) > 1 and rest[1] else "km"]
    here = (float(latitude), float(longitude))
    return any(
        distance_between(here, (float(each.data["latitude"]), float(each.data["longitude"])))
        <= reach
        for each in values
    )


def distance_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the great-circle distance in kilometres of two places in degrees."""
    (north, east), (north2, east2) = ((radians(a), radians(b)) for a, b in (one, other))
    chord = sin((north2 - north) / 2) ** 2 + cos(north) * cos(north2) * sin((east2 - east) / 2) ** 2
    return 2 * _RADIUS * asin(sqrt(chord))
