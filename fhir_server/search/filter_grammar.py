"""Read the text of `_filter` as an expression, https://hl7.org/fhir/R4/search_filter.html.

Beyond R4's grammar a name may carry what chains and _has carry elsewhere: `subject:Patient.name`,
`_has:Observation:patient:code`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fhir_server.errors import InvalidParameter

OPERATORS = (
    *("eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb"),
    *("pr", "po", "ss", "sb", "in", "ni", "re"),
)
DEEPEST = 50
MOST_COMPARISONS = 1000
LONGEST_PATH = 10

_SPACE = re.compile(r"\s*")
_JOIN = re.compile(r"(and|or)(?=[\s(])")
_NOT = re.compile(r"not\s*(?=\()")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?::[A-Za-z_][A-Za-z0-9_-]*)*")
_WORD = re.compile(r"[^\s()\[\]\"]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(r'[^\s)\]"][^\s)\]]*')
_BEFORE_NAMES = "a parameter, 'not (' or '('"


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path, with what its target has to fulfil: the `subject[name co "x"]` of a chain."""

    name: str
    filter: Expression | None = None


@dataclass(frozen=True, slots=True)
class ParamExp:
    """A path, an operator and a value: `subject.name co "pet"`."""

    path: tuple[Step, ...]
    operator: str
    value: str
    """As meant: without quotes and JSON's escapes."""
    position: int = field(default=0, compare=False)
    """Characters before it in the text."""


@dataclass(frozen=True, slots=True)
class Negation:
    part: Expression


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]


Expression = ParamExp | Negation | And | Or

_JOINED: Mapping[str, type[And | Or]] = MappingProxyType({"and": And, "or": Or})


@dataclass(slots=True)
class _Cursor:
    """Where the reader is in the text."""

    text: str
    position: int = 0
    tests: int = 0


def parse_filter(text: str) -> Expression:
    """Return the expression; InvalidParameter says where the text breaks off and what was expected."""
    cursor = _Cursor(text)
    expression, _ = _expression(cursor, 0)
    if cursor.position < len(text):
        raise _refuse(cursor, "'and', 'or' or the end")
    return expression


def _expression(cursor: _Cursor, level: int) -> tuple[Expression, int]:
    """Return operands joined from left to right (`and` does not bind more), and how deep they nest."""
    first, depth = _operand(cursor, level)
    parts, joined = [first], ""
    while word := _take(cursor, _JOIN):
        if joined not in ("", word):
            parts, depth = [_JOINED[joined](tuple(parts))], depth + 1
        part, deep = _operand(cursor, level)
        parts.append(part)
        joined, depth = word, max(depth, deep)
        _check_depth(cursor, depth)
    return (_JOINED[joined](tuple(parts)), depth + 1) if joined else (first, depth)


def _operand(cursor: _Cursor, level: int) -> tuple[Expression, int]:
    _check_depth(cursor, level)
    negated = _take(cursor, _NOT) is not None
    if not _skip(cursor, "("):
        return _param_exp(cursor, level)
    inner, depth = _expression(cursor, level + 1)
    if not _skip(cursor, ")"):
        raise _refuse(cursor, "'and', 'or' or ')'")
    return (Negation(inner), depth + 1) if negated else (inner, depth)


def _param_exp(cursor: _Cursor, level: int) -> tuple[ParamExp, int]:
    _take(cursor, _SPACE)
    start = cursor.position
    cursor.tests += 1
    if cursor.tests > MOST_COMPARISONS:
        raise _wrong(start, f"there are more than {MOST_COMPARISONS} comparisons.")
    path, depth = _path(cursor, level)
    return ParamExp(path, _operator(cursor), _value(cursor), start), depth


def _path(cursor: _Cursor, level: int) -> tuple[tuple[Step, ...], int]:
    steps: list[Step] = []
    depth = 0
    while not steps or _follows(cursor, "."):
        if len(steps) == LONGEST_PATH:
            raise _wrong(cursor.position, f"the path has more than {LONGEST_PATH} names.")
        step, deep = _step(cursor, level, "a parameter" if steps else _BEFORE_NAMES)
        steps.append(step)
        depth = max(depth, deep)
    if steps[-1].filter:
        raise _refuse(cursor, "'.' and a parameter after ']'")
    return tuple(steps), depth


def _step(cursor: _Cursor, level: int, expected: str) -> tuple[Step, int]:
    name = _match(cursor, _NAME)
    if name is None:
        raise _refuse(cursor, expected)
    if not _follows(cursor, "["):
        return Step(name), 0
    inner, depth = _expression(cursor, level + 1)
    if not _skip(cursor, "]"):
        raise _refuse(cursor, "'and', 'or' or ']'")
    return Step(name, inner), depth + 1


def _operator(cursor: _Cursor) -> str:
    expected = f"a space and one of the operators {', '.join(OPERATORS)}"
    if not _match(cursor, _SPACE):
        raise _refuse(cursor, expected)
    start = cursor.position
    word = _match(cursor, _WORD)
    if word not in OPERATORS:
        cursor.position = start
        raise _refuse(cursor, expected)
    return word


def _value(cursor: _Cursor) -> str:
    if not _match(cursor, _SPACE):
        raise _refuse(cursor, "a space and a value")
    if not _follows_quote(cursor):
        token = _match(cursor, _TOKEN)
        if token is None:
            raise _refuse(cursor, 'a value: a token, or a "string"')
        return token
    start = cursor.position
    written = _match(cursor, _STRING)
    if written is None:
        raise _wrong(start, "this string has no closing quotation mark.")
    return _unquoted(start, written)


def _unquoted(start: int, written: str) -> str:
    try:
        text: str = json.loads(written)
        text.encode()
    except ValueError as error:
        message = 'write strings as JSON does, with only its escapes, such as \\" and \\u00fc.'
        raise _wrong(start, message) from error
    if not text or "\0" in text:
        raise _wrong(start, "a string has to have a character, and none may be NUL (U+0000).")
    return text


def _match(cursor: _Cursor, pattern: re.Pattern[str]) -> str | None:
    found = pattern.match(cursor.text, cursor.position)
    if found is None:
        return None
    cursor.position = found.end()
    return found[0]


def _take(cursor: _Cursor, pattern: re.Pattern[str]) -> str | None:
    """Match behind white space."""
    _match(cursor, _SPACE)
    return _match(cursor, pattern)


def _follows(cursor: _Cursor, sign: str) -> bool:
    """Step over the sign if it stands here."""
    if not cursor.text.startswith(sign, cursor.position):
        return False
    cursor.position += len(sign)
    return True


def _follows_quote(cursor: _Cursor) -> bool:
    return cursor.text.startswith('"', cursor.position)


def _skip(cursor: _Cursor, sign: str) -> bool:
    """Step over the sign if it stands behind white space, and over the white space after it."""
    _match(cursor, _SPACE)
    if not _follows(cursor, sign):
        return False
    _match(cursor, _SPACE)
    return True


def _check_depth(cursor: _Cursor, depth: int) -> None:
    if depth > DEEPEST:
        message = f"it nests more than {DEEPEST} deep; a change between 'and' and 'or' also counts as a level."
        raise _wrong(cursor.position, message)


def _refuse(cursor: _Cursor, expected: str) -> InvalidParameter:
    _match(cursor, _SPACE)
    rest = cursor.text[cursor.position : cursor.position + 20]
    found = repr(rest) if rest else "the end"
    return _wrong(cursor.position, f"expected {expected}, found {found}.")


def _wrong(position: int, sentence: str) -> InvalidParameter:
    return InvalidParameter(f"_filter, character {position + 1}: {sentence}")
