r"""Split and unescape search values: `\,` `\|` `\$` `\\`.

https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\([,|$\\])")
_SPECIAL = re.compile(r"[,|$\\]")
_TOKEN = re.compile(r"\\.|[^\\]|\\$", re.DOTALL)


def split(text: str, separator: str) -> tuple[str, ...]:
    """Split at the separators that no backslash stands before; parts stay escaped."""
    if "\\" not in text:
        return tuple(text.split(separator))
    parts: list[list[str]] = [[]]
    for token in _TOKEN.findall(text):
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple("".join(part) for part in parts)


def unescape(text: str) -> str:
    """Return the text that was meant; a backslash before another character stays."""
    return _ESCAPED.sub(r"\1", text)


def escape(text: str) -> str:
    """Return the text as it has to be written to be meant literally."""
    return _SPECIAL.sub(r"\\\g<0>", text)
