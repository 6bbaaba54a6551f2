"""Functions of 5 to 15 lines, 40 at most; files under 250 lines, 400 at most."""

from __future__ import annotations

from tests.rules.sources import Function, definitions, python_sources

LONGEST_FUNCTION = 40
LONGEST_FILE = 400

# What may be longer, and how long it is: shorter, and the number here has to follow.
LONG_FUNCTIONS: dict[str, int] = {}
LONG_FILES: dict[str, int] = {}


def test_no_function_is_longer_than_forty_lines() -> None:
    long = {
        place: lines
        for source in python_sources()
        for place, node in definitions(source)
        if isinstance(node, Function)
        and not source.path.startswith("alembic/")  # a migration is a list
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == LONG_FUNCTIONS


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = {
        source.path: lines
        for source in python_sources()
        if (lines := len(source.text.splitlines())) > LONGEST_FILE
    }
    assert long == LONG_FILES
