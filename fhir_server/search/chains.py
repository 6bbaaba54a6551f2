"""Follow references from one resource to another: chains, _has, _list.

https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fhir_server.definitions import structures
from fhir_server.errors import InvalidParameter
from fhir_server.search import naming
from fhir_server.search.fields import Field, fields
from fhir_server.search.predicates import (
    AnyOf,
    PointedFrom,
    PointsTo,
    Predicate,
    SharesName,
    any_of,
)
from fhir_server.search.term import term
from fhir_server.search.values import find_field, nearest

DEEPEST = 10
"""Steps of one chain."""
WIDEST = 1000
"""Types that one condition may be read on: a chain over references to any type multiplies them."""


EVERYWHERE = ("_has", "_list")
"""Names that R4 lists with no type's parameters but every type takes."""


class TooFar(InvalidParameter):
    """A chain is longer, or leads to more types, than one condition may."""


@dataclass(slots=True)
class Trail:
    """How far the references of one condition have been followed; grows while it is read."""

    depth: int = 0
    types: int = 0

    @contextmanager
    def further(self, name: str) -> Iterator[None]:
        """Take one step for as long as the context lasts; TooFar when it is one too many."""
        if self.depth == DEEPEST:
            raise TooFar(f"The chain by {name!r} is longer than {DEEPEST} steps.")
        if self.types == WIDEST:
            message = (
                f"The chain by {name!r} leads to more than {WIDEST} combinations of resource types;"
                " name the types, as in subject:Patient.name."
            )
            raise TooFar(message)
        self.depth += 1
        self.types += 1
        try:
            yield
        finally:
            self.depth -= 1


def follow(
    field: Field, kind: str, rest: str, trail: Trail, read: Callable[[str], Predicate]
) -> Predicate:
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
            with trail.further(field.code):
                ends.append(_reaching(field, mark, name, read(name)))
        except TooFar:
            raise
        except InvalidParameter as error:
            refused.append(error)
    if not ends:
        raise refused[0]
    return any_of(*ends)


def _reaching(field: Field, mark: int, name: str, end: Predicate) -> Predicate:
    reaching: Predicate = PointsTo(mark, name, end)
    if naming.paths(field) and naming.can_be_named(name):
        return AnyOf((reaching, SharesName(name, naming.difference(field), end)))
    return reaching


def _targets(field: Field, kind: str, rest: str) -> tuple[str, ...]:
    if kind and not structures.is_resource_type(kind):
        hint = nearest(kind, field.targets or structures.resource_types())
        raise InvalidParameter(f"{kind!r} in a chain has to be a resource type.{hint}")
    if kind:
        return (kind,)
    targets = field.targets or structures.resource_types()
    code = rest.partition(".")[0].partition(":")[0]
    fitting = tuple(name for name in targets if code in fields(name) or code in EVERYWHERE)
    if not fitting:
        hint = nearest(code, {each for name in targets for each in fields(name)})
        message = f"No target of {field.code!r} has a search parameter {code!r}.{hint}"
        raise InvalidParameter(message)
    return fitting


def follow_back(name: str, trail: Trail, read: Callable[[str, str], Predicate]) -> Predicate:
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
    with trail.further(name):
        end = read(source, rest)
    pointed = PointedFrom(source, field.param, term(field.prefix), end)
    if naming.paths(field):
        return AnyOf((pointed, SharesName(source, naming.difference(field), end)))
    return pointed
