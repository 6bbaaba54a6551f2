"""Follow references from one resource to another: chains, _has, _list.

https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from collections.abc import Callable

from fhir_server.definitions import structures
from fhir_server.errors import InvalidParameter
from fhir_server.search.fields import Field, fields
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    Not,
    PointedFrom,
    PointsTo,
    Predicate,
    any_of,
)
from fhir_server.search.term import term
from fhir_server.search.values import find_field, nearest

DEEPEST_CHAIN = 10
WIDEST = 300
"""Searches in other types that one condition may need: a chain over any type multiplies them."""


class TooFar(InvalidParameter):
    """A chain is longer, or leads to more types, than one condition may."""


def check_depth(depth: int, name: str) -> None:
    if depth > DEEPEST_CHAIN:
        raise TooFar(f"The chain in {name!r} is longer than {DEEPEST_CHAIN} steps.")


def follow(field: Field, kind: str, rest: str, read: Callable[[str], Predicate]) -> Predicate:
    """Return the predicate of the reference's targets, of one type or of all that `rest` fits.

    kind: the target type as written, or ""; rest: what stands behind the dot;
    read: reads the rest on a type. A type on which the value means nothing is passed by, unless all are.
    """
    if field.type != "reference":
        raise InvalidParameter(f"{field.code!r} is no reference, so {rest!r} cannot follow it.")
    mark = term(field.prefix)
    ends: list[Predicate] = []
    refused: list[InvalidParameter] = []
    for name in _targets(field, kind, rest):
        try:
            ends.append(PointsTo(mark, name, read(name)))
        except TooFar:
            raise
        except InvalidParameter as error:
            refused.append(error)
        check_width(field.code, *ends)
    if not ends:
        raise refused[0]
    return any_of(*ends)


def _targets(field: Field, kind: str, rest: str) -> tuple[str, ...]:
    if kind and not structures.is_resource_type(kind):
        hint = nearest(kind, field.targets or structures.resource_types())
        raise InvalidParameter(f"{kind!r} in a chain has to be a resource type.{hint}")
    if kind:
        return (kind,)
    targets = field.targets or structures.resource_types()
    code = rest.partition(".")[0].partition(":")[0]
    fitting = tuple(name for name in targets if code in fields(name) or code == "_has")
    if not fitting:
        hint = nearest(code, {each for name in targets for each in fields(name)})
        message = f"No target of {field.code!r} has a search parameter {code!r}.{hint}"
        raise InvalidParameter(message)
    return fitting


def follow_back(name: str, read: Callable[[str, str], Predicate]) -> Predicate:
    """Return the predicate of _has:Type:reference:rest; read: reads the rest on the type."""
    parts = name.split(":", 3)
    if len(parts) != 4 or not all(parts):
        raise InvalidParameter(f"Write {name!r} as _has:Type:reference:parameter.")
    _, source, code, rest = parts
    if not structures.is_resource_type(source):
        hint = nearest(source, structures.resource_types())
        raise InvalidParameter(f"{source!r} in {name!r} is no resource type.{hint}")
    field = find_field(source, code)
    if field.type != "reference":
        raise InvalidParameter(f"{code!r} of {source} is no reference.")
    return PointedFrom(source, field.param, read(source, rest))


def check_width(name: str, *predicates: Predicate) -> None:
    """Raise InvalidParameter when the predicates need more searches in other types than are allowed."""
    if sum(width(each) for each in predicates) > WIDEST:
        message = (
            f"The chain by {name!r} leads to more than {WIDEST} combinations of resource types;"
            " name the types, as in subject:Patient.name."
        )
        raise TooFar(message)


def width(predicate: Predicate) -> int:
    """Return how many searches in other types the predicate needs."""
    match predicate:
        case PointsTo() | PointedFrom():
            return 1 + width(predicate.predicate)
        case Not():
            return width(predicate.predicate)
        case AllOf() | AnyOf():
            return sum(width(each) for each in predicate.predicates)
    return 0
