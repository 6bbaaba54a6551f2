"""The values that stand under one property of an object, with what primitives carry beside them.

https://hl7.org/fhir/R4/json.html#primitive: id and extensions of the primitive `birthDate` stand
in `_birthDate`, those of an array's nth value in the nth place of the array `_given`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from fhir_server.codec import Resource


@dataclass(frozen=True, slots=True)
class Slot:
    """One value of an element; a primitive may lack either half."""

    value: Any = None
    beside: Any = None
    """What stands under the property's name with a leading underscore."""

    @property
    def content(self) -> Resource | None:
        """The object that holds this element's children; None when there is none yet."""
        found = self.value if isinstance(self.value, dict) else self.beside
        return found if isinstance(found, dict) else None


def read(owner: Resource, name: str) -> list[Slot]:
    """Return the property's values in order; [] when it is absent."""
    pairs = zip_longest(_listed(owner.get(name)), _listed(owner.get("_" + name)))
    return [Slot(value, beside) for value, beside in pairs]


def write(owner: Resource, name: str, slots: list[Slot], *, repeats: bool) -> None:
    """Make these the property's values; a property already there keeps its place."""
    _assign(owner, name, [slot.value for slot in slots], repeats=repeats)
    _assign(owner, "_" + name, [slot.beside for slot in slots], repeats=repeats)


def rename(owner: Resource, old: str, new: str) -> None:
    """Give a property another name in the same place: a choice element takes another type."""
    renamed = {old: new, "_" + old: "_" + new}
    members = [(renamed.get(name, name), value) for name, value in owner.items()]
    owner.clear()
    owner.update(members)


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _assign(owner: Resource, name: str, values: list[Any], *, repeats: bool) -> None:
    if all(value is None for value in values):
        owner.pop(name, None)
    else:
        owner[name] = values if repeats else values[0]
