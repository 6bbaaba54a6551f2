"""Places near a place, https://hl7.org/fhir/R4/location.html#positional.

A position is one row of numbers: latitude as low, longitude as high.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.definitions.structures import Element
from fhir_server.search.escape import split, unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import Near, Predicate
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.rows import Emit, Emitters, Rows

_METRES: Mapping[str, float] = MappingProxyType(
    {
        "": 1000.0,
        "km": 1000.0,
        "m": 1.0,
        "mi": 1609.344,
        "[mi_i]": 1609.344,
        "[mi_us]": 1609.347218694438,
    }
)
_DEFAULT = 50_000.0
"""Metres: R4 leaves it to the server when no distance is given."""
_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,30})?", re.ASCII)
_FORM = "write latitude|longitude|distance|units, such as 48.21|16.37|5|km."


def _position(field: Field, _: Element | None) -> Emit:
    present, param = field.present, field.param

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        latitude, longitude = value.get("latitude"), value.get("longitude")
        if latitude is None or longitude is None:
            return
        if -90 <= latitude <= 90 and -360 <= longitude <= 360:  # else it is nowhere
            east = (Decimal(longitude) + 540) % 360 - 180  # 190 degrees are -170
            rows.numbers.append((param, Decimal(latitude), east, 0, 0))

    return emit


EMITTERS: Emitters = MappingProxyType({"BackboneElement": _position})

MODIFIERS: tuple[str, ...] = ()


def read(field: Field, _modifier: str, text: str, _: Reading) -> Predicate:
    """Return the predicate of `latitude|longitude`, with distance and its unit."""
    parts = [unescape(part) for part in split(text, "|")]
    if not 2 <= len(parts) <= 4:
        raise refuse(field, text, _FORM)
    latitude, longitude, distance, unit = (*parts, "", "")[:4]
    return Near(
        field.param,
        _degrees(field, text, latitude, "latitude", 90),
        _degrees(field, text, longitude, "longitude", 180),
        _metres(field, text, distance, unit),
    )


def _degrees(field: Field, text: str, written: str, name: str, most: int) -> float:
    if not _NUMBER.fullmatch(written):
        raise refuse(field, text, _FORM)
    number = float(written)
    if abs(number) > most:
        raise refuse(field, text, f"the {name} has to lie between -{most} and {most} degrees.")
    return number


def _metres(field: Field, text: str, distance: str, unit: str) -> float:
    if unit not in _METRES:
        listed = ", ".join(name for name in _METRES if name)
        raise refuse(field, text, f"{unit!r} is no unit of distance here; use one of {listed}.")
    if not distance:
        if unit:
            raise refuse(field, text, "it has a unit but no distance; " + _FORM)
        return _DEFAULT
    if not _NUMBER.fullmatch(distance) or float(distance) < 0:
        raise refuse(field, text, "the distance has to be a number from 0; " + _FORM)
    return float(distance) * _METRES[unit]
