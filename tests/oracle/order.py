"""The values a result is sorted by, https://hl7.org/fhir/R4/search.html#sort."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.oracle import dates, numbers, references, strings, tokens
from tests.oracle.paths import Value
from tests.oracle.world import World, parameter

Key = Any
UNCERTAIN: tuple[Key, Key] = ("#", "#")


def _of_quantities(values: list[Value]) -> Iterable[Key]:
    for value in values:
        found = numbers.amount(value)
        if found:
            yield found.span


def _of_numbers(values: list[Value]) -> Iterable[Key]:
    return map(numbers.of_number, values)


_SPANS: dict[str, Callable[[list[Value]], Iterable[Any]]] = {
    "date": dates.spans,
    "number": _of_numbers,
    "quantity": _of_quantities,
}


def keys(known: World, name: str, code: str) -> tuple[Key, Key] | None:
    """Return the values to sort by, upwards and downwards; None when the resource has none.

    UNCERTAIN where a reference points inside the resource, which R4 gives no place.
    """
    values, type_ = known.values(name, code), parameter(name.partition("/")[0], code).type
    if type_ in _SPANS:
        spans = list(_SPANS[type_](values))
        # What lasts is sorted by its beginning, in both directions.
        return (min(e.first for e in spans), max(e.first for e in spans)) if spans else None
    if type_ == "string":
        written: list[str] = [strings.fold(each)[:200] for each in strings.texts(values)]
    elif type_ == "token":
        written = [each.code for each in tokens.tokens(values) if each.code]
    elif type_ == "reference":
        written = [each for value in values if (each := references.written(value))]
        if any(each.startswith("#") for each in written):
            return UNCERTAIN
    else:
        written = [value.data for value in values]
    return (min(written), max(written)) if written else None


def is_in_order(found: list[tuple[Key, Key] | None], *, falling: bool) -> bool:
    """Tell whether the keys of a result rise, or fall, and those without come last."""
    certain = [each for each in found if each is not UNCERTAIN]
    known = [each[1] if falling else each[0] for each in certain if each]
    return None not in certain[: len(known)] and known == sorted(known, reverse=falling)
