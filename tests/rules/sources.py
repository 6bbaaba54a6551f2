"""The Python files of the repository, read and parsed once for all rules."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("fhir_server", "smart_auth", "billing", "ui", "medconsult")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    path: str
    text: str
    tree: ast.Module

    @property
    def in_product(self) -> bool:
        return self.path.split("/")[0] in PRODUCT


@cache
def python_sources() -> tuple[Source, ...]:
    return tuple(_parse(path) for path in files() if path.endswith(".py"))


@cache
def files() -> tuple[str, ...]:
    """Return the files git knows or would add, so that nothing generated is judged."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
    names = sorted(name.decode() for name in listed.split(b"\0") if name)
    return tuple(name for name in names if (REPOSITORY / name).is_file())


def definitions(source: Source) -> Iterator[tuple[str, Definition]]:
    """Give each function and class with its place, as `path:name`."""
    for node in ast.walk(source.tree):
        if isinstance(node, Definition):
            yield f"{source.path}:{node.name}", node


def _parse(path: str) -> Source:
    text = (REPOSITORY / path).read_text()
    return Source(path, text, ast.parse(text, path))
