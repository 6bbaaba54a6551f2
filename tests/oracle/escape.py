"""Separators and their escapes in a search value, https://hl7.org/fhir/R4/search.html#escaping."""

from __future__ import annotations

import re


def divide(text: str, separator: str) -> list[str]:
    """Divide at the separators that no backslash stands before; escapes stay."""
    pieces, escape = [""], False
    for character in text:
        if character == separator and not escape:
            pieces.append("")
        else:
            pieces[-1] += character
        escape = character == "\\" and not escape
    return pieces


def plain(text: str) -> str:
    r"""Take the backslash from `\,`, `\|`, `\$` and `\\`."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


def escaped(text: str) -> str:
    """Write a text so that it is one value."""
    return re.sub(r"([,|$\\])", r"\\\1", text)
