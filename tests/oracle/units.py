"""The UCUM units of the test data in base units, https://ucum.org/ucum; a small table of our own."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache

UCUM = "http://unitsofmeasure.org"

# Of each atom: its dimensions (metre, gram, second, and what has no dimension) and its size in them.
_ATOMS: dict[str, tuple[dict[str, int], Fraction]] = {
    "m": ({"m": 1}, Fraction(1)),
    "g": ({"g": 1}, Fraction(1)),
    "s": ({"s": 1}, Fraction(1)),
    "L": ({"m": 3}, Fraction(1, 1000)),
    "l": ({"m": 3}, Fraction(1, 1000)),
    "mol": ({}, Fraction(6_022_136_700) * 10**14),
    "min": ({"s": 1}, Fraction(60)),
    "h": ({"s": 1}, Fraction(3_600)),
    "d": ({"s": 1}, Fraction(86_400)),
    "wk": ({"s": 1}, Fraction(604_800)),
    "mo": ({"s": 1}, Fraction(31_557_600, 12)),
    "a": ({"s": 1}, Fraction(31_557_600)),
    "%": ({}, Fraction(1, 100)),
    "1": ({}, Fraction(1)),
    "10*": ({}, Fraction(10)),
    "U": ({"s": -1}, Fraction(6_022_136_700 * 10**8, 60)),
    "m[Hg]": ({"m": -1, "s": -2, "g": 1}, Fraction(133_322_000)),
    "cal": ({"m": 2, "s": -2, "g": 1}, Fraction(4184)),
    "[diop]": ({"m": -1}, Fraction(1)),
    "[in_i]": ({"m": 1}, Fraction(254, 10_000)),
    "[lb_av]": ({"g": 1}, Fraction(45_359_237, 100_000)),
}
_METRIC = frozenset({"m", "g", "s", "L", "l", "mol", "m[Hg]", "cal", "U"})
_PREFIXES = {
    "k": Fraction(1000),
    "d": Fraction(1, 10),
    "c": Fraction(1, 100),
    "m": Fraction(1, 1000),
    "u": Fraction(1, 10**6),
    "n": Fraction(1, 10**9),
    "p": Fraction(1, 10**12),
    "f": Fraction(1, 10**15),
}
_FACTOR = re.compile(r"([./]?)(10\*|(?:\[[^]]*\]|[A-Za-z%])+|1)(-?\d*)")

Size = tuple[tuple[tuple[str, int], ...], Fraction]


@cache
def in_base_units(code: str) -> Size | None:
    """Return dimensions and factor; None when the table does not have all of the code's atoms."""
    # An annotation in braces is a unit of one, or says more about the unit before it.
    code = re.sub(r"\{[^}]*\}", "", re.sub(r"(^|[./])\{[^}]*\}", r"\g<1>1", code))
    dimensions: dict[str, int] = {}
    size, end = Fraction(1), 0
    for found in _FACTOR.finditer(code):
        atom = _atom(found[2])
        if atom is None or found.start() != end:
            return None
        end = found.end()
        power = int(found[3] or 1) * (-1 if found[1] == "/" else 1)
        size *= atom[1] ** power
        for name, exponent in atom[0].items():
            dimensions[name] = dimensions.get(name, 0) + exponent * power
    if not code or end != len(code):
        return None
    return tuple(sorted(each for each in dimensions.items() if each[1])), size


def _atom(text: str) -> tuple[dict[str, int], Fraction] | None:
    if text in _ATOMS:
        return _ATOMS[text]
    if text[1:] in _METRIC and text[0] in _PREFIXES:
        dimensions, size = _ATOMS[text[1:]]
        return dimensions, size * _PREFIXES[text[0]]
    return None
