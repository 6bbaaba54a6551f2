"""Parse untrusted XML into a small tree, https://hl7.org/fhir/R4/security.html#xml.

No document type, so no entities; bounded depth and number of elements. Narrative is kept as the
text it was sent as.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from fhir_server.errors import Malformed, TooLarge
from fhir_server.rest.xhtml import XHTML, is_div

FHIR = "http://hl7.org/fhir"
_DEEPEST = 200
_MOST_ELEMENTS = 2_000_000
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance "


@dataclass(slots=True)
class Node:
    """One element of FHIR's namespace; a div has text and nothing else."""

    name: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    text: str = ""


def parse(raw: bytes) -> Node:
    """Return the root; Malformed when the text is not XML as FHIR allows it."""
    content = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"Byte {error.start} is not valid UTF-8.") from error
    return _Reader(content).read()


class _Reader:
    """What the parser's callbacks have to remember."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._open: list[Node] = []
        self._root = Node("", {})
        self._div_start = 0
        self._div_depth = 0
        self._count = 0
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.XmlDeclHandler = self._declaration

    def read(self) -> Node:
        try:
            self._parser.Parse(self._content, True)
        except expat.ExpatError as error:
            said = expat.ErrorString(error.code)
            place = f"line {error.lineno}, column {error.offset + 1}"
            raise Malformed(f"The body is not XML that can be read: {said} at {place}.") from error
        return self._root

    def _doctype(self, *_: object) -> None:
        raise Malformed("A document type is refused: it can declare entities. Leave it out.")

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in ("utf-8", "utf8"):
            raise Malformed(f"FHIR's XML is UTF-8; the document says {encoding}.")

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS:
            raise TooLarge(
                f"The document has more than {_MOST_ELEMENTS} elements; send it in parts."
            )
        if self._div_depth or qualified == f"{XHTML} div":
            self._start_div(attributes)
            return
        if len(self._open) >= _DEEPEST:
            raise Malformed(f"The document nests deeper than {_DEEPEST} elements.")
        self._append(self._node(qualified, attributes))

    def _node(self, qualified: str, attributes: dict[str, str]) -> Node:
        namespace, _, name = qualified.rpartition(" ")
        if namespace != FHIR:
            raise Malformed(f"The element {name} has to be in the namespace {FHIR}.", name)
        kept = {key: text for key, text in attributes.items() if not _is_of_schema(key)}
        return Node(name, kept)

    def _append(self, node: Node) -> None:
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node
        self._open.append(node)

    def _start_div(self, _attributes: dict[str, str]) -> None:
        if self._div_depth == 0:
            self._div_start = self._parser.CurrentByteIndex
            self._append(Node("div", {}))
        self._div_depth += 1

    def _end(self, _name: str) -> None:
        if self._div_depth:
            self._div_depth -= 1
            if self._div_depth:
                return
            self._open[-1].text = self._div()
        self._open.pop()

    def _div(self) -> str:
        closing = self._content.index(b">", self._parser.CurrentByteIndex)
        if self._parser.CurrentByteIndex == self._div_start:  # <div/>: attributes may hold a >
            closing = self._content.index(b"/>", self._div_start) + 1
        text = self._content[self._div_start : closing + 1].decode()
        if not is_div(text):
            raise Malformed(f'Write the narrative as <div xmlns="{XHTML}">, without prefixes.')
        return text

    def _characters(self, text: str) -> None:
        if not self._div_depth and not text.isspace():
            where = self._open[-1].name
            raise Malformed(f"Text stands in {where}; FHIR's values are attributes.", where)


def _is_of_schema(attribute: str) -> bool:
    return attribute.startswith(_SCHEMA_INSTANCE)
