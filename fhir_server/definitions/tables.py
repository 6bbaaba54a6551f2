"""Read a fact table of profiles/r4 into typed records, https://hl7.org/fhir/R4/downloads.html."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

DIRECTORY = Path(__file__).resolve().parents[2] / "profiles" / "r4"

Shape = TypeVar("Shape")


def read(name: str, shape: type[Shape]) -> Shape:
    """Decode the named table; msgspec.ValidationError when a row is not of the given shape."""
    return msgspec.json.decode((DIRECTORY / name).read_bytes(), type=shape)
