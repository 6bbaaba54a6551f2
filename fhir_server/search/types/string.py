"""Strings, names and addresses, https://hl7.org/fhir/R4/search.html#string."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from fhir_server.definitions.structures import Element
from fhir_server.search.escape import unescape
from fhir_server.search.fields import Field
from fhir_server.search.predicates import HasTerm, InStrings, Predicate, TextMode
from fhir_server.search.reading import Reading
from fhir_server.search.rows import Emit, Emitters, Rows
from fhir_server.search.term import fact

LONGEST = 200
"""Characters kept of a normalised string: longer ones are found by their beginning."""

_HUMAN_NAME = ("text", "family", "given", "prefix", "suffix")
_ADDRESS = ("text", "line", "city", "district", "state", "postalCode", "country")


@lru_cache(maxsize=2**16)
def normalise(text: str) -> str:
    """Fold case, accents and white space, as R4 asks of searches that are not :exact."""
    return " ".join(fold(text).split())[:LONGEST]


def fold(text: str) -> str:
    """Return the text without case and accents."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in parts if not unicodedata.combining(char))
    return text.casefold()


def exact(prefix: str, text: str) -> int:
    """Return the term of `:exact=text`."""
    return fact(f"{prefix}:exact", text)


def _text(field: Field, _: Element | None) -> Emit:
    present, prefix, param = field.present, field.prefix, field.param

    def emit(value: str, rows: Rows) -> None:
        rows.terms += (present, exact(prefix, value))
        rows.strings.append((param, normalise(value)))

    return emit


def _parts(names: tuple[str, ...], field: Field) -> Emit:
    present, text = field.present, _text(field, None)

    def emit(value: dict[str, Any], rows: Rows) -> None:
        rows.terms.append(present)
        for name in names:
            part = value.get(name)
            if part is None:
                continue
            for item in part if isinstance(part, list) else (part,):
                if item:
                    text(item, rows)

    return emit


def _human_name(field: Field, _: Element | None) -> Emit:
    return _parts(_HUMAN_NAME, field)


def _address(field: Field, _: Element | None) -> Emit:
    return _parts(_ADDRESS, field)


EMITTERS: Emitters = MappingProxyType(
    {
        "string": _text,
        "markdown": _text,
        "code": _text,
        "HumanName": _human_name,
        "Address": _address,
    }
)


MODIFIERS = ("exact", "contains")
_MODES: Mapping[str, TextMode] = MappingProxyType({"": "begins", "contains": "contains"})


def read(field: Field, modifier: str, text: str, _: Reading) -> Predicate:
    """Return the predicate of a beginning, of :exact or of :contains."""
    meant = unescape(text)
    if modifier == "exact":
        return HasTerm(exact(field.prefix, meant))
    return InStrings(field.param, normalise(meant), _MODES[modifier])
