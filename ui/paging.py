"""Long lists in pages: which part is asked for, and the links to what is before and after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from fastapi import Request

T = TypeVar("T")
FARTHEST = 10_000
"""Nobody turns so many pages; without an end a number could make a page as slow as it likes."""


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    before: str = ""
    """Links, "?status=booked&page=2"; "" where there is nothing."""
    after: str = ""


def part_of(request: Request, size: int) -> Callable[[Iterable[Any]], Part[Any]]:
    """Return what takes the part that the address asks for out of a list, of so many each."""
    text = request.query_params.get("page", "1")
    number = min(max(int(text), 1), FARTHEST) if text.isascii() and text.isdigit() else 1

    def cut(items: Iterable[Any]) -> Part[Any]:
        taken = list(islice(items, (number - 1) * size, number * size + 1))
        after = _link(request, number + 1) if len(taken) > size else ""
        return Part(taken[:size], _link(request, number - 1) if number > 1 else "", after)

    return cut


def _link(request: Request, number: int) -> str:
    return f"?{request.url.include_query_params(page=number).query}"
