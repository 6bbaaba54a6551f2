"""What the parts of a composite are, and where: https://hl7.org/fhir/R4/searchparameter.html#composite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from fhir_server.definitions import search_parameters
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.search.fields import Field
from fhir_server.search.paths import Path, compile_below, compile_paths
from fhir_server.search.predicates import Predicate
from fhir_server.search.reading import Reading
from fhir_server.search.rows import Emitters
from fhir_server.search.term import fact
from fhir_server.search.types import date, number, quantity, reference, string, token, uri


@dataclass(frozen=True, slots=True)
class Kind:
    """What a part of a type is indexed and read with."""

    emitters: Emitters
    read: Callable[[Field, str, str, Reading], Predicate]
    ordered: bool


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "token": Kind(token.EMITTERS, token.read, ordered=False),
        "reference": Kind(reference.EMITTERS, reference.read, ordered=False),
        "uri": Kind(uri.EMITTERS, uri.read, ordered=False),
        "date": Kind(date.EMITTERS, date.read, ordered=True),
        "string": Kind(string.EMITTERS, string.read, ordered=True),
        "number": Kind(number.EMITTERS, number.read, ordered=True),
        "quantity": Kind(quantity.EMITTERS, quantity.read, ordered=True),
    }
)
_PAIR = ("number", "number")


@dataclass(frozen=True, slots=True)
class Part:
    """One component: a parameter that looks at one element only."""

    field: Field
    """Its paths begin below the element, or at the resource when `outside`."""
    outside: bool
    """Whether the value stands once in the resource: %resource.referenceSeq.chromosome."""

    @property
    def ordered(self) -> bool:
        return KINDS[self.field.type].ordered


@dataclass(frozen=True, slots=True)
class Group:
    """What one kind of element is searched by; composites of several kinds have several."""

    root: Path
    parts: tuple[Part, ...]
    number: int
    """The same for composites that look at the same; param of the rows that hold two numbers of
    one element, the first as low, the second as high."""


@lru_cache(maxsize=2**10)
def groups(field: Field) -> tuple[Group, ...]:
    """Return the composite's groups; none when parts have no value or too many have an order."""
    found = (_group(field, root) for root in field.paths)
    return tuple(group for group in found if group is not None)


def _group(field: Field, root: Path) -> Group | None:
    listed = [_resolve(field, root, *component) for component in field.components]
    shape = "$".join(_signature(paths, outside) for _, paths, outside in listed)
    name = f"{field.resource_type}{_written(root)}({shape})"
    parts = tuple(
        _part(field.resource_type, f"{name}${position}", *each)
        for position, each in enumerate(listed)
    )
    kinds = tuple(part.field.type for part in parts if part.ordered)
    complete = all(part.field.paths for part in parts) and bool(parts)
    if not complete or (len(kinds) > 1 and kinds != _PAIR):
        return None
    return Group(root, parts, fact("param", name))


def _resolve(
    field: Field, root: Path, url: str, expression: str
) -> tuple[SearchParameter, tuple[Path, ...], bool]:
    """Return a component's parameter, where it looks, and whether that is outside the element."""
    parameter = search_parameters.by_url(url)
    known = KINDS[parameter.type].emitters
    outside = expression.startswith("%resource.")
    if outside:
        absolute = expression.replace("%resource", field.resource_type)
        paths = compile_paths(field.resource_type, absolute)
    else:
        paths = compile_below(root, expression)
    usable = tuple(path for path in paths if path.type in known)
    return parameter, usable or _own(field, root, parameter, known), outside


def _own(field: Field, root: Path, parameter: SearchParameter, known: Emitters) -> tuple[Path, ...]:
    """Where the parameter itself looks in the element: R4 swapped the two of DocumentReference."""
    paths = compile_paths(field.resource_type, parameter.expression)
    return tuple(
        replace(path, steps=path.steps[len(root.steps) :])
        for path in paths
        if path.steps[: len(root.steps)] == root.steps and path.type in known
    )


def _signature(paths: Sequence[Path], outside: bool) -> str:
    return "/" * outside + "+".join(f"{_written(path)}:{path.type}" for path in paths)


def _written(path: Path) -> str:
    return "".join(f".{name}{condition or ''}" for name, condition in path.steps)


def _part(
    resource_type: str,
    prefix: str,
    parameter: SearchParameter,
    paths: tuple[Path, ...],
    outside: bool,
) -> Part:
    field = Field(
        resource_type=resource_type,
        code=parameter.code,
        type=parameter.type,
        targets=parameter.targets,
        paths=paths,
        prefix=prefix,
        param=fact("param", prefix),
        present=fact("present", prefix),
        compartments=frozenset(),
    )
    return Part(field, outside)
