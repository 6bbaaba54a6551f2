"""Read one name=value of a search as a predicate, chains and _has included.

https://hl7.org/fhir/R4/search.html#modifiers, https://hl7.org/fhir/R4/search.html#chaining
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from fhir_server.errors import InvalidParameter
from fhir_server.search.chains import EVERYWHERE, Trail, follow, follow_back
from fhir_server.search.escape import split
from fhir_server.search.fields import Field, fields
from fhir_server.search.filter import read_filter
from fhir_server.search.predicates import HasKey, Not, PointedFrom, Predicate, any_of
from fhir_server.search.reading import Reading
from fhir_server.search.term import resource_key, term
from fhir_server.search.values import find_field, read_presence, read_value, refuse_modifier

CONTROLS = (
    *("_count", "_sort", "_total", "_include", "_revinclude"),
    *("_contained", "_containedType"),
)
IGNORED = ("_format", "_pretty", "_summary", "_elements")
"""Say how the answer looks, not what is in it; the REST layer reads them."""

_CONTRARIES: Mapping[str, str] = MappingProxyType({"not": "", "not-in": "in"})
"""Modifiers that negate the whole list of values, by what they negate."""
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def read_condition(
    resource_type: str, name: str, text: str, reading: Reading, trail: Trail | None = None
) -> Predicate:
    """Return the predicate of name=text; InvalidParameter when it means nothing here.

    trail: of the condition that this one is a part of, if it is.
    """
    trail = trail or Trail()

    def read(kind: str, rest: str) -> Predicate:
        return read_condition(kind, rest, text, reading, trail)

    if name == "_has" or name.startswith("_has:"):
        return follow_back(name, trail, read)
    head, dot, rest = name.partition(".")
    code, _, modifier = head.partition(":")
    if code in _NAMED:
        return _read_named(resource_type, name, code, text, reading, trail)
    field = find_field(resource_type, code, (*CONTROLS, *IGNORED, *EVERYWHERE))
    if dot:
        return follow(field, modifier, rest, trail, lambda kind: read(kind, rest))
    if not text:
        raise InvalidParameter(f"Parameter {name!r} has no value.")
    if modifier == "missing":
        return _read_missing(field, text)
    refuse_modifier(field, modifier)
    if modifier in _CONTRARIES:
        return Not(_read_values(field, _CONTRARIES[modifier], text, reading))
    return _read_values(field, modifier, text, reading)


def _read_values(field: Field, modifier: str, text: str, reading: Reading) -> Predicate:
    return any_of(
        *(read_value(field, modifier, value, reading) for value in _values(field.code, text))
    )


def _values(name: str, text: str) -> tuple[str, ...]:
    values = split(text, ",")
    if not all(values):
        raise InvalidParameter(f"Parameter {name!r} has an empty value in {text!r}.")
    return values


def _read_missing(field: Field, text: str) -> Predicate:
    if text not in ("true", "false"):
        raise InvalidParameter(f"{field.code}:missing takes true or false, not {text!r}.")
    return read_presence(field, present=text == "false")


def _read_named(
    resource_type: str, name: str, code: str, text: str, reading: Reading, trail: Trail
) -> Predicate:
    if name != code:
        raise InvalidParameter(f"{code!r} takes neither modifier nor chain; write {code}=value.")
    if not text:
        raise InvalidParameter(f"Parameter {name!r} has no value.")
    return _NAMED[code](resource_type, text, reading, trail)


def _read_list(_type: str, text: str, _reading: Reading, _trail: Trail) -> Predicate:
    """Members of stored Lists, https://hl7.org/fhir/R4/search.html#list."""
    item = fields("List")["item"]
    return any_of(
        *(
            PointedFrom("List", item.param, term(item.prefix), _list(value))
            for value in _values("_list", text)
        )
    )


def _list(value: str) -> Predicate:
    if value.startswith("$"):
        message = (
            f"The functional list {value!r} of _list is not kept here;"
            " write the id of a stored List, such as _list=42."
        )
        raise InvalidParameter(message)
    identity = value.removeprefix("List/")
    if not _ID.fullmatch(identity):
        raise InvalidParameter(f"_list takes the id of a List, such as _list=42, not {value!r}.")
    return HasKey(resource_key(f"List/{identity}"))


def _read_query(_type: str, text: str, _reading: Reading, _trail: Trail) -> Predicate:
    message = (
        f"_query={text!r}: no named queries are defined here; write the parameters themselves."
    )
    raise InvalidParameter(message)


_NAMED: Mapping[str, Callable[[str, str, Reading, Trail], Predicate]] = MappingProxyType(
    {"_filter": read_filter, "_list": _read_list, "_query": _read_query}
)
"""What is no parameter with a type of its own; each takes resource type, text, reading and trail."""
