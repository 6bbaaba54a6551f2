"""Tell whether text is an XHTML div by itself, https://hl7.org/fhir/R4/narrative.html."""

from __future__ import annotations

from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"
_DEEPEST = 200


class _NotDivError(Exception):
    """Ends the parse early; never leaves this module."""


def is_div(text: str) -> bool:
    """Return whether the text is one well-formed div in XHTML's namespace, without a DTD."""
    if not text.startswith("<div"):  # blanks, comments and declarations around it would be lost
        return False
    depth = 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST or (depth == 1 and name != f"{XHTML} div"):
            raise _NotDivError

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate("utf-8", " ")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(text.encode(), True)
    except (expat.ExpatError, UnicodeEncodeError, _NotDivError):
        return False
    return text.endswith(">")
