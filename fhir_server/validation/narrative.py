"""What a narrative's XHTML may hold: formatting, tables, images and links, and nothing that acts.

https://hl7.org/fhir/R4/narrative.html#xhtml, constraints txt-1 and txt-2.
"""

from __future__ import annotations

import re
from html.entities import html5
from xml.parsers import expat

_XHTML = "http://www.w3.org/1999/xhtml"

_ELEMENTS = frozenset(
    {
        "a",
        "abbr",
        "acronym",
        "address",
        "area",
        "b",
        "bdo",
        "big",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "kbd",
        "li",
        "map",
        "ol",
        "p",
        "pre",
        "q",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "ul",
        "var",
    }
)
# Event attributes (onclick) and all that fetches or submits are left out on purpose.
_ATTRIBUTES = frozenset(
    {
        "abbr",
        "accesskey",
        "align",
        "alt",
        "axis",
        "border",
        "cellpadding",
        "cellspacing",
        "char",
        "charoff",
        "charset",
        "cite",
        "class",
        "colspan",
        "coords",
        "dir",
        "frame",
        "headers",
        "height",
        "href",
        "hreflang",
        "id",
        "idref",
        "ismap",
        "lang",
        "longdesc",
        "name",
        "nohref",
        "nowrap",
        "rel",
        "rev",
        "rowspan",
        "rules",
        "scope",
        "shape",
        "space",
        "span",
        "src",
        "start",
        "style",
        "summary",
        "tabindex",
        "title",
        "type",
        "usemap",
        "valign",
        "width",
    }
)
_XML_ATTRIBUTES = frozenset(
    {"http://www.w3.org/XML/1998/namespace " + n for n in ("lang", "space")}
)
_ADDRESSES = frozenset({"href", "src", "cite", "longdesc"})
# An image may carry its pixels in a data: URL; one that is followed as a link may hold a script.
_ACTIVE = re.compile(r"(?:java|vb)script:|data:(?!image/(?:png|gif|jpeg))", re.IGNORECASE)
# Browsers read "java\nscript:" as the scheme it hides.
_INVISIBLE = re.compile(r"[\x00-\x20]+")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})


class _Refused(Exception):
    pass


def fault(div: str) -> str:
    """Return the sentence that says what is wrong with the narrative, "" when nothing is."""
    reader = _Reader()
    try:
        reader.read(div)
    except _Refused as refusal:
        return str(refusal)
    except (expat.ExpatError, ValueError) as error:
        return f"txt-1: the narrative is not well-formed XHTML ({error}); close every element."
    if not reader.has_content:
        return "txt-2: the narrative has no content; write some text or leave it out."
    return ""


class _Reader:
    """Walks the XHTML and stops at the first thing that may not stand there."""

    __slots__ = ("depth", "has_content")

    def __init__(self) -> None:
        self.depth = 0
        self.has_content = False

    def read(self, div: str) -> None:
        parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.Parse(_ENTITY.sub(_character, div).encode(), True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        if namespace != _XHTML or (self.depth == 0 and name != "div"):
            raise _Refused(f'txt-1: start the narrative with <div xmlns="{_XHTML}">, not <{name}>.')
        if name not in _ELEMENTS:
            raise _Refused(f"txt-1: <{name}> may not stand in a narrative; remove it.")
        for attribute, value in attributes.items():
            _check_attribute(name, attribute, value)
        self.depth += 1
        self.has_content |= name == "img"

    def _end(self, _tag: str) -> None:
        self.depth -= 1

    def _text(self, text: str) -> None:
        self.has_content |= not text.isspace()


def _check_attribute(element: str, name: str, value: str) -> None:
    if name not in _ATTRIBUTES and name not in _XML_ATTRIBUTES:
        raise _Refused(
            f"txt-1: the attribute {name} of <{element}> may not stand there; remove it."
        )
    if name in _ADDRESSES and _ACTIVE.match(_INVISIBLE.sub("", value)):
        raise _Refused(f"txt-1: the {name} of <{element}> may not hold a script; remove it.")


def _refuse_doctype(*_declaration: object) -> None:
    raise _Refused("txt-1: a narrative has no DOCTYPE; remove it.")


def _character(match: re.Match[str]) -> str:
    name = match[1]
    # FHIR lets a narrative use HTML's entities, which XML by itself does not know.
    return match[0] if name in _XML_ENTITIES else html5.get(name + ";", match[0])
