"""Composites: values that lie together in one element, https://hl7.org/fhir/R4/search.html#combining.

A part that is searched by equality (token, reference, uri) has the terms it has anywhere, made
with a prefix of its own; `a$b` is the exclusive or of one term of each part. A part that has an
order has its usual rows, under its number xor the other parts' terms: `code$gt5` is one range of
the index. Composites that look at the same parts of the same element share what is stored:
combo-code-value-quantity needs nothing beside code-value-quantity and component-code-value-quantity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from itertools import product
from operator import xor
from types import MappingProxyType
from typing import Any

from fhir_server.definitions import search_parameters
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.errors import Invalid
from fhir_server.search.escape import split
from fhir_server.search.fields import Field
from fhir_server.search.paths import Path, compile_below, compile_paths
from fhir_server.search.predicates import (
    AllOf,
    AnyOf,
    HasTerm,
    InDates,
    InNumbers,
    InPairs,
    InStrings,
    Predicate,
    any_of,
)
from fhir_server.search.reading import Reading, refuse
from fhir_server.search.rows import Emit, Emitters, NumberRow, Rows
from fhir_server.search.term import fact
from fhir_server.search.tree import Node, new_tree, plant, walk
from fhir_server.search.types import date, number, quantity, reference, string, token, uri


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a part of a type is indexed and read with."""

    emitters: Emitters
    read: Callable[[Field, str, str, Reading], Predicate]
    ordered: bool


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "token": _Kind(token.EMITTERS, token.read, ordered=False),
        "reference": _Kind(reference.EMITTERS, reference.read, ordered=False),
        "uri": _Kind(uri.EMITTERS, uri.read, ordered=False),
        "date": _Kind(date.EMITTERS, date.read, ordered=True),
        "string": _Kind(string.EMITTERS, string.read, ordered=True),
        "number": _Kind(number.EMITTERS, number.read, ordered=True),
        "quantity": _Kind(quantity.EMITTERS, quantity.read, ordered=True),
    }
)
_PAIR = ("number", "number")
_MOST = 10_000
"""Combinations in one element; far above any use, and below what would stall a write."""


@dataclass(frozen=True, slots=True)
class Part:
    """One component: a parameter that looks at one element only."""

    field: Field
    """Its paths begin below the element, or at the resource when `outside`."""
    outside: bool
    """Whether the value stands once in the resource: %resource.referenceSeq.chromosome."""

    @property
    def ordered(self) -> bool:
        return _KINDS[self.field.type].ordered


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
    known = _KINDS[parameter.type].emitters
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


def emits(listed: Iterable[Field]) -> Iterator[tuple[Path, Emit]]:
    """Yield what to do with which elements for the composites among a type's parameters."""
    shared: dict[int, tuple[Group, list[int]]] = {}
    for field in listed:
        if field.type == "composite":
            for group in groups(field):
                shared.setdefault(group.number, (group, []))[1].append(field.present)
    for group, presents in shared.values():
        yield group.root, _emit(group, presents)


@dataclass(frozen=True, slots=True)
class _Finder:
    """How a part's values are collected while a resource is indexed."""

    tree: Node
    names: tuple[str, ...]
    """Of which an element has to have one."""
    outside: bool
    ordered: bool
    present: int


def _finder(part: Part) -> _Finder:
    tree = new_tree()
    for path in part.field.paths:
        emitter = _KINDS[part.field.type].emitters[path.type]
        plant(tree, path, emitter(part.field, path.element))
    names = tuple({child.name for child in tree.children})
    return _Finder(tree, names, part.outside, part.ordered, part.field.present)


def _emit(group: Group, presents: Sequence[int]) -> Emit:
    finders = [_finder(part) for part in group.parts]
    *_, last = finders
    pair = sum(finder.ordered for finder in finders) == 2

    def emit(element: dict[str, Any], rows: Rows) -> None:
        # Most elements lack the value, which is the last part: they have to cost next to nothing.
        for name in last.names:
            if name in element or last.outside:
                break
        else:
            return
        own = Rows(rows.resource, rows.base_url)
        marks, ends = {0}, [0]
        for finder in finders:
            own.terms.clear()
            walk(finder.tree, rows.resource if finder.outside else element, own)
            if not own.terms:
                return
            if finder.ordered:
                ends.append(len(own.numbers))
            else:
                marks = _combined(group, marks, own.terms, finder.present)
        rows.terms += presents
        if pair:
            _store_pairs(group.number, marks, own.numbers[: ends[1]], own.numbers[ends[1] :], rows)
        elif len(ends) > 1:
            _store_rows(marks, own, rows)
        else:
            rows.terms += marks

    return emit


def _combined(group: Group, marks: set[int], terms: Sequence[int], present: int) -> set[int]:
    """Return each mark with each term of one more part."""
    if len(marks) * len(terms) > _MOST:
        message = (
            f"{group.root.type} has more than {_MOST:,} combinations of"
            f" {' and '.join(part.field.code for part in group.parts)}; send fewer codings."
        )
        raise Invalid(message)
    return {mark ^ each for mark in marks for each in terms if each != present}


def _store_rows(marks: Iterable[int], found: Rows, rows: Rows) -> None:
    for mark in marks:
        rows.dates += [(param ^ mark, low, high) for param, low, high in found.dates]
        rows.strings += [(param ^ mark, text) for param, text in found.strings]
        rows.numbers += [
            (param ^ mark, low, high, both, text) for param, low, high, both, text in found.numbers
        ]


def _store_pairs(
    pair: int,
    marks: Iterable[int],
    first: Sequence[NumberRow],
    second: Sequence[NumberRow],
    rows: Rows,
) -> None:
    """Store two exact numbers of one element as one row, which InPairs compares each by itself."""
    for mark in marks:
        rows.numbers += [
            (pair ^ mark, one[1], two[1], 0, 0)
            for one in first
            for two in second
            if one[1] == one[2] and two[1] == two[2]
        ]


MODIFIERS: tuple[str, ...] = ()


def read(field: Field, _modifier: str, text: str, reading: Reading) -> Predicate:
    """Return the predicate of `a$b`: each part is read as a value of its own type."""
    written = split(text, "$")
    names = [part.field.code for part in groups(field)[0].parts]
    if len(written) != len(names) or not all(written):
        form = "$".join(names)
        raise refuse(field, text, f"write {form}, one value for each of the {len(names)} parts.")
    return any_of(*(_read_group(group, written, reading) for group in groups(field)))


def _read_group(group: Group, written: Sequence[str], reading: Reading) -> Predicate:
    equal: list[list[int]] = []
    ordered: list[Predicate] = []
    for part, text in zip(group.parts, written, strict=True):
        predicate = _KINDS[part.field.type].read(part.field, "", text, reading)
        if part.ordered:
            ordered.append(predicate)
        else:
            equal.append(list(_terms(predicate)))
    marks = sorted({reduce(xor, terms, 0) for terms in product(*equal)})
    if len(ordered) == 2:
        return any_of(*(_pair(group.number ^ mark, *ordered) for mark in marks))
    if ordered:
        return any_of(*(_under(mark, ordered[0]) for mark in marks))
    return any_of(*(HasTerm(mark) for mark in marks))


def _terms(predicate: Predicate) -> Iterator[int]:
    if isinstance(predicate, AnyOf):
        for each in predicate.predicates:
            yield from _terms(each)
    elif isinstance(predicate, HasTerm):
        yield predicate.term
    else:
        raise TypeError(type(predicate).__name__)


def _under(mark: int, predicate: Predicate) -> Predicate:
    """Return the condition on the rows that the other parts' terms have marked."""
    if isinstance(predicate, AnyOf | AllOf):
        inner = tuple(_under(mark, each) for each in predicate.predicates)
        return replace(predicate, predicates=inner)
    if isinstance(predicate, InDates | InNumbers | InStrings):
        return replace(predicate, param=predicate.param ^ mark)
    raise TypeError(type(predicate).__name__)


def _pair(param: int, first: Predicate, second: Predicate) -> Predicate:
    if not (isinstance(first, InNumbers) and isinstance(second, InNumbers)):
        raise TypeError(type(first).__name__)
    return InPairs(
        param,
        (first.comparison, first.low, first.high),
        (second.comparison, second.low, second.high),
    )
