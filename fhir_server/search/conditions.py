"""Read one name=value of a search as a predicate, chains and _has included.

https://hl7.org/fhir/R4/search.html#modifiers, https://hl7.org/fhir/R4/search.html#chaining
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from fhir_server.definitions import structures
from fhir_server.errors import InvalidParameter
from fhir_server.search import words
from fhir_server.search.escape import split, unescape
from fhir_server.search.extract import is_indexed
from fhir_server.search.fields import Field, fields
from fhir_server.search.predicates import (
    AnyOf,
    HasKey,
    HasTerm,
    Not,
    PointedFrom,
    PointsTo,
    Predicate,
    Updated,
    any_of,
)
from fhir_server.search.reading import Reading
from fhir_server.search.term import resource_key, term
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

CONTROLS = ("_count", "_sort", "_total", "_include", "_revinclude")
IGNORED = ("_format", "_pretty", "_summary", "_elements")
"""Say how the answer looks, not what is in it; the REST layer reads them."""

_DEEPEST_CHAIN = 5


def supported(resource_type: str) -> list[tuple[str, str]]:
    """Return code and type of each parameter that can be searched, sorted by code."""
    return sorted(
        (field.code, "string" if field.type == "words" else field.type)
        for field in fields(resource_type).values()
        if field.type in READERS and is_indexed(field)
    )


def read_condition(
    resource_type: str, name: str, text: str, reading: Reading, depth: int = 0
) -> Predicate:
    """Return the predicate of name=text; InvalidParameter when it means nothing here."""
    if depth > _DEEPEST_CHAIN:
        message = f"The chain in {name!r} is longer than {_DEEPEST_CHAIN} steps."
        raise InvalidParameter(message)
    if name.startswith("_has:"):
        return _read_has(name, text, reading, depth)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    field = find_field(resource_type, code)
    if dot:
        return _read_chain(field, modifier, rest, text, reading, depth)
    if not text:
        raise InvalidParameter(f"Parameter {name!r} has no value.")
    if modifier == "missing":
        return _read_missing(field, text)
    _refuse_modifier(field, modifier)
    if modifier == "not":
        return Not(_read_values(field, "", text, reading))
    return _read_values(field, modifier, text, reading)


def find_field(resource_type: str, code: str) -> Field:
    """Return the type's parameter; InvalidParameter with the nearest spelling when there is none."""
    known = fields(resource_type)
    if code not in known:
        near = get_close_matches(code, [*known, *CONTROLS, *IGNORED], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidParameter(f"{resource_type} has no search parameter {code!r}.{hint}")
    field = known[code]
    if field.type not in READERS or not is_indexed(field):
        message = f"The {field.type} parameter {code!r} of {resource_type} is not supported."
        raise InvalidParameter(message)
    return field


def _refuse_modifier(field: Field, modifier: str) -> None:
    allowed = () if field.code in ("_id", "_lastUpdated") else READERS[field.type][0]
    if not modifier or modifier in allowed:
        return
    if field.type == "reference" and structures.is_resource_type(modifier):
        return
    if field.type == "words":
        raise InvalidParameter(f"{field.code!r} takes no modifier; write {field.code}=word.")
    listed = ", ".join(f":{each}" for each in ("missing", *allowed))
    message = f"Parameter {field.code!r} does not support :{modifier}; it supports {listed}."
    raise InvalidParameter(message)


def _read_values(field: Field, modifier: str, text: str, reading: Reading) -> Predicate:
    values = split(text, ",")
    if not all(values):
        raise InvalidParameter(f"Parameter {field.code!r} has an empty value in {text!r}.")
    return any_of(*(_read_value(field, modifier, value, reading) for value in values))


def _read_value(field: Field, modifier: str, text: str, reading: Reading) -> Predicate:
    if field.code == "_id":
        return HasKey(resource_key(f"{field.resource_type}/{unescape(text)}"))
    if field.code == "_lastUpdated":
        comparison, (low, high) = date.read_span(field, text, reading)
        return Updated(comparison, low, high)
    return READERS[field.type][1](field, modifier, text, reading)


def _read_missing(field: Field, text: str) -> Predicate:
    if field.code in ("_id", "_lastUpdated"):
        raise InvalidParameter(f"{field.code!r} is never missing; leave out :missing.")
    if field.type == "words":
        raise InvalidParameter(f"{field.code!r} takes no modifier; write {field.code}=word.")
    if text not in ("true", "false"):
        raise InvalidParameter(f"{field.code}:missing takes true or false, not {text!r}.")
    present = HasTerm(field.present)
    return Not(present) if text == "true" else present


def _read_chain(
    field: Field, modifier: str, rest: str, text: str, reading: Reading, depth: int
) -> Predicate:
    """Follow a reference; without a type, to every target type that has the parameter."""
    if field.type != "reference":
        raise InvalidParameter(f"{field.code!r} is no reference, so {rest!r} cannot follow it.")
    if modifier and not structures.is_resource_type(modifier):
        raise InvalidParameter(f"{modifier!r} in a chain has to be a resource type.")
    code = (
        rest.split(":")[1]
        if rest.startswith("_has:")
        else rest.split(".", maxsplit=1)[0].split(":", maxsplit=1)[0]
    )
    targets = (modifier,) if modifier else field.targets or structures.resource_types()
    fitting = [name for name in targets if code in fields(name) or rest.startswith("_has:")]
    if not fitting:
        message = f"No target of {field.code!r} has a search parameter {code!r}."
        raise InvalidParameter(message)
    mark = term(field.prefix)
    ends = ((name, read_condition(name, rest, text, reading, depth + 1)) for name in fitting)
    return AnyOf(tuple(PointsTo(mark, name, predicate) for name, predicate in ends))


def _read_has(name: str, text: str, reading: Reading, depth: int) -> Predicate:
    parts = name.split(":", 3)
    if len(parts) != 4 or not structures.is_resource_type(parts[1]):
        raise InvalidParameter(f"Write {name!r} as _has:Type:reference:parameter.")
    _, source, code, rest = parts
    field = find_field(source, code)
    if field.type != "reference":
        raise InvalidParameter(f"{code!r} of {source} is no reference.")
    return PointedFrom(source, field.param, read_condition(source, rest, text, reading, depth + 1))
