"""UCUM units in base units, https://ucum.org/ucum."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from fhir_server.definitions import ucum


@pytest.mark.parametrize(
    ("code", "factor", "base"),
    [
        ("mg", "1/1000", "g"),
        ("g/dL", "10000", "m-3.g"),
        ("kg/m2", "1000", "m-2.g"),
        ("/min", "1/60", "s-1"),
        ("mm[Hg]", "133322", "m-1.s-2.g"),
        ("10*3/uL", "1e12", "m-3"),
        ("[in_i]", "0.0254", "m"),
        ("[lb_av]", "453.59237", "g"),
        ("%", "0.01", "1"),
        ("{score}", "1", "1"),
        ("mL/min/{1.73_m2}", "1/60000000", "m3.s-1"),
        ("ug/(100.g)", "1e-8", "1"),
        ("{# of fetuses}", "1", "1"),
        ("dar", "10", "m2"),
        ("cd", "1", "cd"),
    ],
)
def test_a_unit_is_a_multiple_of_base_units(code: str, factor: str, base: str) -> None:
    assert ucum.parse(code) == ucum.Unit(Fraction(factor), base)
    assert ucum.canonical(code) == ucum.parse(code)


@pytest.mark.parametrize(
    "code",
    ["Cel", "[degF]", "[pH]", "[IU]/mL", "bottles", "", "mg / dL", "10*999", "m" * 500, "µg"],
)
def test_what_is_no_multiple_is_none(code: str) -> None:
    assert ucum.parse(code) is None
    assert ucum.canonical(code) is None


def test_equal_amounts_become_equal_numbers() -> None:
    minute, hour = ucum.canonical("/min"), ucum.canonical("/h")
    assert minute is not None
    assert hour is not None
    assert ucum.convert(Decimal(7), minute) == ucum.convert(Decimal(420), hour)
    milligram = ucum.canonical("mg")
    assert milligram is not None
    assert ucum.convert(Decimal("5400.0"), milligram) == Decimal("5.4")


def test_the_table_says_what_the_parser_says() -> None:
    for code in list(ucum._table())[::40]:
        assert ucum.canonical(code) == ucum.parse(code), code
