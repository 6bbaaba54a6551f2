"""Write a table as JSON (RFC 8259), one record per line, so that a diff can be read.

https://www.rfc-editor.org/rfc/rfc8259
"""

from __future__ import annotations

import json
from typing import Any


def text(table: dict[str, Any] | list[Any]) -> str:
    """Return the table as text; in a dict of lists or dicts, each inner record has its line."""
    return _block(table, depth=2 if isinstance(table, dict) else 1) + "\n"


def _block(value: Any, *, depth: int) -> str:
    if depth and isinstance(value, list):
        return "[\n" + ",\n".join(_block(each, depth=depth - 1) for each in value) + "\n]"
    if depth and isinstance(value, dict):
        rows = (f"{_line(key)}:{_block(each, depth=depth - 1)}" for key, each in value.items())
        return "{\n" + ",\n".join(rows) + "\n}"
    return _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
