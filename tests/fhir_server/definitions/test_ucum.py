"""UCUM units in base units, https://ucum.org/ucum."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
import ucumvert
from hypothesis import given, settings
from hypothesis import strategies as st

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


_UNITS = ("m", "g", "s", "mm", "dL", "cd", "dar", "[in_i]", "m[Hg]", "%", "10*", "10^", "2", "{a}")
_SIGNS = ("-1", "+3", "12", ".", "/", "(", ")", "{}")
_CODES = st.one_of(
    st.lists(st.sampled_from(_UNITS + _SIGNS), min_size=1, max_size=6, unique=True).map("".join),
    st.lists(
        st.tuples(
            st.sampled_from(("", ".", "/", ".(", "/(")),
            st.sampled_from(_UNITS),
            st.sampled_from(("", "2", "-1", "+3", "{a}", ")", "-2{b})")),
        ).map("".join),
        min_size=1,
        max_size=5,
    ).map("".join),
)


@cache
def _library() -> tuple[Any, Any]:
    return ucumvert.get_ucum_parser(), ucumvert.PintUcumRegistry()


@settings(deadline=None, derandomize=True, max_examples=400)
@given(_CODES)
def test_what_is_ucum_is_what_the_library_can_parse_and_as_much(code: str) -> None:
    parser, registry = _library()
    found = ucum.parse(code)
    try:
        ucumvert.parse_ucum(code, parser)
    except ucumvert.InvalidUcumError:
        assert found is None
        return
    assert found is not None
    if "{" in code:
        return  # pint's side of the library fails at annotations that stand alone
    meant = (1 * registry.from_ucum(code)).to_base_units()
    kilograms = dict(meant.unit_items()).get("kilogram", 0)
    assert float(found.factor) == pytest.approx(meant.magnitude * 1000**kilograms, rel=1e-3)


@pytest.mark.parametrize(
    "code",
    [
        "1." * 36 + "{}",
        "(" * 35 + "m{}" + ")" * 35,
        "deg30." * 12 + "m{}",
        "(/" * 25 + "m{}",
        "/" * 77,
    ],
)
def test_codes_that_nobody_lists_cost_little(code: str) -> None:
    ucum.parse("deg")  # imports the definitions
    begun = time.process_time()
    for number in range(1, 101):
        ucum.parse(code.format(number))
    assert time.process_time() - begun < 0.5, "a hundred codes; the library's parser takes a second"
