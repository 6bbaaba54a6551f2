"""Errors are not swallowed, output goes to one place, SQL is written in few rooms."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.rules.sources import REPOSITORY, Source, files, python_sources

# Edges, where any error has to become an answer; each with the number of such handlers.
CATCH_ALL = {
    "fhir_server/audit/trail.py": 1,
    "fhir_server/patch/location.py": 1,  # the FHIRPath engine has no errors of its own
    "fhir_server/database.py": 1,  # hands the error to the code that waits
    "fhir_server/rest/app.py": 1,
    "fhir_server/rest/routes.py": 1,
    "fhir_server/search/evaluated.py": 2,  # the FHIRPath engine again
    "fhir_server/validation/fhirpath_rules.py": 1,  # and again
    "medconsult/chores.py": 1,  # one odd record must not end all that goes on by itself
    "medconsult/load.py": 1,
    "medconsult/loading/writing.py": 1,
}
SQL_ROOMS = (
    "fhir_server/storage/",
    "fhir_server/search/",
    "fhir_server/database.py",
    "fhir_server/audit/",
    "smart_auth/tables.py",
    "alembic/",
    "bench/",
    "tests/",
)
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE)\b", re.DOTALL
)
MACHINE_PATHS = re.compile(rb"/(?:work|tmp|root|home)/[a-z]")
MACHINE_PATH_ROOMS = ("tests/rules/",)


def catches_all(handler: ast.ExceptHandler) -> bool:
    """Tell whether any error ends here; one that is raised again does not."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"})
        for name in names
    )


def swallows(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(line, ast.Pass) for line in handler.body)


def handlers(source: Source) -> Iterator[ast.ExceptHandler]:
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.ExceptHandler))


def made_sql(source: Source) -> Iterator[int]:
    """Give the lines of f-strings that hold SQL and of calls of SQLAlchemy's text()."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.JoinedStr) and SQL.search(_literal(node)):
            yield node.lineno
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "text"
        ):
            yield node.lineno


def _literal(node: ast.JoinedStr) -> str:
    return " x ".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))


def parsed(code: str) -> Source:
    return Source("example.py", code, ast.parse(code))


def test_every_error_is_caught_by_its_name_but_at_the_edges() -> None:
    found = {
        source.path: count
        for source in python_sources()
        if source.in_product and (count := sum(map(catches_all, handlers(source))))
    }
    assert found == CATCH_ALL


def test_no_catch_all_passes_over_in_silence() -> None:
    silent = [
        f"{source.path}:{handler.lineno}"
        for source in python_sources()
        for handler in handlers(source)
        if swallows(handler) and catches_all(handler)
    ]
    assert silent == []


def test_only_the_command_line_prints() -> None:
    prints = [
        f"{source.path}:{node.lineno}"
        for source in python_sources()
        if source.in_product
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert prints == [], "log it, or click.echo it in a command"


def test_sql_is_made_in_its_rooms_only() -> None:
    outside = [
        f"{source.path}:{line}"
        for source in python_sources()
        if not source.path.startswith(SQL_ROOMS)
        for line in made_sql(source)
    ]
    assert outside == []


def test_no_file_names_a_place_of_one_machine() -> None:
    named = [
        path
        for path in files()
        if not path.startswith(MACHINE_PATH_ROOMS)
        and MACHINE_PATHS.search((REPOSITORY / path).read_bytes())
    ]
    assert named == []


@pytest.mark.parametrize(
    "code", ["text('SELECT 1')", "f'SELECT a FROM {table}'", "f'DELETE FROM {table}'"]
)
def test_made_sql_is_found(code: str) -> None:
    assert list(made_sql(parsed(code))) == [1]


@pytest.mark.parametrize("code", ["'SELECT a FROM b'", "f'Select one from {these}'", "node.text()"])
def test_what_is_no_made_sql_is_left_alone(code: str) -> None:
    assert list(made_sql(parsed(code))) == []


@pytest.mark.parametrize("caught", ["except:", "except Exception:", "except (OSError, Exception):"])
def test_a_catch_all_is_found(caught: str) -> None:
    code = parsed(f"try:\n    f()\n{caught}\n    pass")
    assert all(map(catches_all, handlers(code)))
    assert all(map(swallows, handlers(code)))
