"""Read the FHIRPath of a patch operation into steps, https://hl7.org/fhir/R4/fhirpatch.html.

    Patient.name.where(use = 'home').given[0]

Only what leads to an element is read: names, [index], where(), first(), last(), single(),
ofType(), as() and extension(). The text within where() is left to the FHIRPath engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from fhir_server.errors import Invalid


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path."""

    kind: str
    """name | index | a function's name."""
    text: str = ""
    """The name, the digits, or what stands between the function's parentheses."""


_FUNCTIONS = frozenset({"where", "first", "last", "single", "ofType", "as", "extension"})
_LONGEST = 2000
_NAME = re.compile(r"[A-Za-z_]\w*|`[A-Za-z_]\w*`", re.ASCII)
_INDEX = re.compile(r"\[\s*([0-9]{1,9})\s*\]")
_PARENTHESIS = re.compile(r"'(?:[^'\\]|\\.)*'|[()]", re.DOTALL)


@lru_cache(maxsize=512)
def parse(path: str) -> tuple[Step, ...]:
    """Return the path's steps; Invalid when it holds anything that does not lead to an element."""
    if len(path) > _LONGEST:
        raise Invalid(f"A path of a patch is {_LONGEST} characters at most.")
    steps: list[Step] = []
    position = 0
    while position < len(path):
        step, position = _step(path, position, first=not steps)
        steps.append(step)
    if not steps:
        raise Invalid("The path is empty; write one such as Patient.name[0].")
    return tuple(steps)


def _step(path: str, position: int, *, first: bool) -> tuple[Step, int]:
    index = _INDEX.match(path, position)
    if index and not first:
        return Step("index", index[1]), index.end()
    if not first:
        if path[position] != ".":
            raise _unreadable(path, position)
        position += 1
    name = _NAME.match(path, position)
    if not name:
        raise _unreadable(path, position)
    if path[name.end() : name.end() + 1] == "(":
        return _function(path, name[0], name.end())
    return Step("name", name[0].strip("`")), name.end()


def _function(path: str, name: str, opening: int) -> tuple[Step, int]:
    if name not in _FUNCTIONS:
        known = ", ".join(sorted(_FUNCTIONS))
        raise Invalid(f"The path {path!r} uses {name}(); a patch may use {known}.")
    closing = _closing(path, opening)
    return Step(name, path[opening + 1 : closing].strip()), closing + 1


def _closing(path: str, opening: int) -> int:
    depth = 0
    for found in _PARENTHESIS.finditer(path, opening):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return found.start()
    raise Invalid(f"The path {path!r} lacks a closing parenthesis.")


def _unreadable(path: str, position: int) -> Invalid:
    return Invalid(f"The path {path!r} cannot be read at character {position + 1}.")
