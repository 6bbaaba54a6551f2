"""Distances on the globe, in Python and in SQL alike: great circles on a sphere.

https://hl7.org/fhir/R4/location.html#positional
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, degrees, pi, radians, sin

from fhir_server.search.predicates import Near

RADIUS = 6_371_008.8
"""Metres: the earth's mean radius."""
_MARGIN = 1e-7
"""Degrees (a centimetre) that a box is wider than its circle: it must not cut what rounding moved."""

HAVERSINE = (
    "(sin(radians({latitude} - {at_latitude}) / 2) ^ 2"
    " + cos(radians({at_latitude})) * cos(radians({latitude}))"
    " * sin(radians({longitude} - {at_longitude}) / 2) ^ 2) <= {limit}"
)
"""`within` as SQL over double precision."""


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees between which every place within the distance lies."""

    south: float
    north: float
    longitudes: tuple[tuple[float, float], ...]
    """From west to east; two when it crosses the 180th meridian, none when all fit."""


def within(latitude: float, longitude: float, near: Near) -> bool:
    """Tell whether the place, in degrees, is not farther than asked."""
    across = sin(radians(latitude - near.latitude) / 2) ** 2
    along = sin(radians(longitude - near.longitude) / 2) ** 2
    haversine = across + cos(radians(near.latitude)) * cos(radians(latitude)) * along
    return haversine <= limit(near)


def limit(near: Near) -> float:
    """Return the haversine of the distance; nothing is farther than half way round."""
    half = near.metres / RADIUS / 2
    return 2.0 if half >= pi / 2 else sin(half) ** 2


def box(near: Near) -> Box:
    """Return the box round the circle, https://en.wikipedia.org/wiki/Great-circle_distance."""
    angle = near.metres / RADIUS
    south = near.latitude - degrees(angle) - _MARGIN
    north = near.latitude + degrees(angle) + _MARGIN
    if south <= -90 or north >= 90:  # round a pole every longitude is near
        return Box(south, north, ())
    width = degrees(asin(min(1.0, sin(angle) / cos(radians(near.latitude))))) + _MARGIN
    return Box(south, north, _longitudes(near.longitude - width, near.longitude + width))


def _longitudes(west: float, east: float) -> tuple[tuple[float, float], ...]:
    if west < -180:
        return ((west + 360, 180.0), (-180.0, east))
    if east > 180:
        return ((west, 180.0), (-180.0, east - 360))
    return ((west, east),)
