"""Composites: values that lie together in one element, https://hl7.org/fhir/R4/search.html#combining.

A part that is searched by equality (token, reference, uri) has the terms it has anywhere, made
with a prefix of its own; `a$b` is the exclusive or of one term of each part. A part that has an
order has its usual rows, under its number xor the other parts' terms: `code$gt5` is one range of
the index. Composites that look at the same parts of the same element share what is stored:
combo-code-value-quantity needs nothing beside code-value-quantity and component-code-value-quantity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from operator import xor
from typing import Any

from fhir_server.errors import Invalid
from fhir_server.search.escape import split
from fhir_server.search.fields import Field
from fhir_server.search.paths import Path
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
from fhir_server.search.rows import Emit, NumberRow, Rows
from fhir_server.search.tree import Node, new_tree, plant, walk
from fhir_server.search.types.parts import KINDS, Group, Part, groups

_MOST = 10_000
"""Combinations in one element; far above any use, and below what would stall a write."""


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
        emitter = KINDS[part.field.type].emitters[path.type]
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
        predicate = KINDS[part.field.type].read(part.field, "", text, reading)
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
