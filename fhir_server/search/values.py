"""Find a search parameter by its name and read one value of it, by the parameter's type.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from fhir_server.definitions import structures
from fhir_server.errors import InvalidParameter
from fhir_server.search import words
from fhir_server.search.escape import unescape
from fhir_server.search.extract import is_indexed
from fhir_server.search.fields import Field, fields, shares
from fhir_server.search.predicates import HasKey, HasTerm, Not, Predicate, Updated, any_of
from fhir_server.search.reading import Reading
from fhir_server.search.term import resource_key
from fhir_server.search.types import (
    composite,
    date,
    near,
    number,
    quantity,
    reference,
    string,
    token,
    uri,
)

Read = Callable[[Field, str, str, Reading], Predicate]

READERS: Mapping[str, tuple[tuple[str, ...], Read]] = MappingProxyType(
    {
        "token": (token.MODIFIERS, token.read),
        "reference": (reference.MODIFIERS, reference.read),
        "date": (date.MODIFIERS, date.read),
        "string": (string.MODIFIERS, string.read),
        "number": (number.MODIFIERS, number.read),
        "quantity": (quantity.MODIFIERS, quantity.read),
        "uri": (uri.MODIFIERS, uri.read),
        "composite": (composite.MODIFIERS, composite.read),
        "special": (near.MODIFIERS, near.read),
        "words": (words.MODIFIERS, words.read),
    }
)

_ROW_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"_id": ("not",), "_lastUpdated": ()}
)
"""What every resource has in its own row, with the modifiers that then mean something."""


def supported(resource_type: str) -> list[tuple[str, str]]:
    """Return code and type of each parameter that can be searched, sorted by code."""
    return sorted(
        (field.code, "string" if field.type == "words" else field.type)
        for field in fields(resource_type).values()
        if field.type in READERS and is_indexed(field)
    )


def find_field(resource_type: str, code: str, others: Iterable[str] = ()) -> Field:
    """Return the type's parameter; InvalidParameter with the nearest spelling when there is none.

    others: names that would also be right here, though they are no parameters of the type.
    """
    known = fields(resource_type)
    if code not in known:
        hint = nearest(code, [*known, *others])
        raise InvalidParameter(f"{resource_type} has no search parameter {code!r}.{hint}")
    field = known[code]
    if field.type not in READERS or not is_indexed(field):
        message = f"The {field.type} parameter {code!r} of {resource_type} is not supported."
        raise InvalidParameter(message)
    return field


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the sentence that asks for the nearest spelling, after a space; "" when none is near."""
    near = get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def refuse_modifier(field: Field, modifier: str) -> None:
    """Raise InvalidParameter unless the parameter's values are read with the modifier, or with none."""
    allowed = _ROW_COLUMNS.get(field.code, READERS[field.type][0])
    if not modifier or modifier in allowed:
        return
    _refuse_for_words(field)
    types = structures.resource_types() if field.type == "reference" else ()
    if modifier in types:
        return
    listed = ", ".join(f":{each}" for each in ("missing", *allowed))
    hint = nearest(modifier, ["missing", *allowed, *types])
    message = f"Parameter {field.code!r} does not support :{modifier}; it supports {listed}.{hint}"
    raise InvalidParameter(message)


def read_value(field: Field, modifier: str, text: str, reading: Reading) -> Predicate:
    """Return the predicate of one value, which is still escaped; the modifier has to be supported."""
    if field.code == "_id":
        return HasKey(resource_key(f"{field.resource_type}/{unescape(text)}"))
    if field.code == "_lastUpdated":
        comparison, (low, high) = date.read_span(field, text, reading)
        return Updated(comparison, low, high)
    read = READERS[field.type][1]
    return any_of(*(read(each, modifier, text, reading) for each in shares(field) or (field,)))


def read_presence(field: Field, *, present: bool) -> Predicate:
    """Return the predicate that the parameter has a value, or has none."""
    if field.code in _ROW_COLUMNS:
        raise InvalidParameter(f"{field.code!r} is never missing; leave out :missing.")
    _refuse_for_words(field)
    found = any_of(*(HasTerm(each.present) for each in shares(field) or (field,)))
    return found if present else Not(found)


def _refuse_for_words(field: Field) -> None:
    if field.type == "words":
        raise InvalidParameter(f"{field.code!r} takes no modifier; write {field.code}=word.")
