"""`_text` and `_content`: the words of a resource, https://hl7.org/fhir/R4/search.html#content.

A word is a run of letters and digits without case and accents. `_text` has those of the
resource's own narrative; `_content` those of every string, markdown and narrative in it, contained
resources included, but of no id, reference, code, uri or date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from html import unescape as characters
from types import MappingProxyType
from typing import Any

from fhir_server.definitions import structures
from fhir_server.search.escape import unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import AllOf, HasTerm, Predicate
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.rows import Emit, Rows
from fhir_server.search.term import fact
from fhir_server.search.types.string import fold

_WORD = re.compile(r"[^\W_]+")
_TAG = re.compile(r"<!--.*?-->|<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL)
_TEXTS = frozenset({"string", "markdown", "xhtml"})
# R4 calls them strings, but they are no text for people.
_IDS = frozenset({"id", "reference"})
_SHORT = 200
"""Characters; shorter texts, displays above all, repeat so often that their terms are kept."""


def words(text: str) -> tuple[str, ...]:
    """Return the words in order."""
    return tuple(_WORD.findall(fold(text)))


def word_term(prefix: str, word: str) -> int:
    """Return the term of a folded word; prefix is that of the field."""
    return fact(prefix, word)


@lru_cache(maxsize=2**16)
def _terms(prefix: str, text: str) -> tuple[int, ...]:
    return tuple(word_term(prefix, word) for word in dict.fromkeys(words(text)))


def emits(field: Field) -> Emit:
    """Return what indexes a whole resource by its words."""
    prefix = field.prefix

    def narrative(resource: dict[str, Any], rows: Rows) -> None:
        div = resource.get("text", {}).get("div")
        if div is not None:
            rows.terms += _terms.__wrapped__(prefix, _plain(div))

    def content(resource: dict[str, Any], rows: Rows) -> None:
        texts: list[str] = []
        _collect(resource, resource["resourceType"], texts)
        for text in texts:
            rows.terms += (_terms if len(text) <= _SHORT else _terms.__wrapped__)(prefix, text)

    return narrative if field.code == "_text" else content


def _plain(div: str) -> str:
    """Return what a narrative says; a tag ends a word."""
    return characters(_TAG.sub(" ", div))


def _collect(value: dict[str, Any], path: str, texts: list[str]) -> None:
    """Add the texts of an element; path is where `structures.elements` has its children."""
    below = _below(path)
    for name, item in value.items():
        inner = below.get(name)
        if inner is None:
            continue
        for each in item if type(item) is list else (item,):
            if type(each) is dict:
                _collect(each, each["resourceType"] if inner == "Resource" else inner, texts)
            elif type(each) is str:
                texts.append(_plain(each) if inner == "xhtml" else each)


@cache
def _below(path: str) -> Mapping[str, str]:
    """Return by JSON name where the children stand, or the type of a text; nothing else."""
    return MappingProxyType(dict(_worthwhile(path)))


def _worthwhile(path: str) -> Iterator[tuple[str, str]]:
    for name, (element, code) in structures.json_elements(path).items():
        if code in _TEXTS:
            if element.name not in _IDS:
                yield name, code
        elif code in structures.type_names() and structures.kind(code) != "primitive-type":
            yield name, structures.child_path(element, code)


MODIFIERS: tuple[str, ...] = ()


def read(field: Field, _modifier: str, text: str, _: Reading) -> Predicate:
    """Return the predicate of all words of the value; quotes and punctuation only part them."""
    found = tuple(dict.fromkeys(words(unescape(text))))
    if not found:
        raise refuse(field, text, "write one word or more, of letters and digits.")
    terms = tuple(HasTerm(word_term(field.prefix, word)) for word in found)
    return terms[0] if len(terms) == 1 else AllOf(terms)
