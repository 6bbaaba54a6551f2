"""Money as integer minor units with its currency, https://www.iso.org/iso-4217-currency-codes.html."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType

_TWO = 2
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys(_NONE.split(), 0) | dict.fromkeys(_THREE.split(), 3)
)
"""Digits behind the point where they are not two."""


def minor(amount: Decimal, currency: str) -> int:
    """Return 4000 for 40.00 EUR, 40 for 40 JPY."""
    scaled = amount.scaleb(_DIGITS.get(currency, _TWO))
    return int(scaled.to_integral_value(ROUND_HALF_UP))


def major(amount: int, currency: str) -> Decimal:
    """Return 40.00 for 4000 EUR, as FHIR's Money writes it."""
    return Decimal(amount).scaleb(-_DIGITS.get(currency, _TWO))


def shown(amount: int, currency: str) -> str:
    """Return the words for people: 40.00 EUR."""
    return f"{major(amount, currency)} {currency}"
