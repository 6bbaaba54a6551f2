"""Long lists in pages: which part is asked for, and the links to what is before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from fastapi import Request

T = TypeVar("T")
FARTHEST = 1000
"""Nobody turns so many pages; without an end a number could make a page as slow as it likes."""

SAID_ONCE = ("did", "done", "ids")
"""Of an address: what was just done, which the next page does not say again."""


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    before: str = ""
    """Links, "?status=booked&page=2"; "" where there is nothing."""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a list, and the one that the address asks for."""

    request: Request
    size: int

    @property
    def number(self) -> int:
        text = self.request.query_params.get("page", "1")[:9]
        return min(max(int(text), 1), FARTHEST) if text.isascii() and text.isdigit() else 1

    @property
    def reach(self) -> int:
        """Return how many of the list have to be read to know the page, and whether there is another."""
        return self.number * self.size + 1

    def cut(self, items: Iterable[T]) -> Part[T]:
        """Return the page, of the list from its beginning."""
        taken = list(islice(items, self.reach - 1 - self.size, self.reach))
        before = self._link(self.number - 1) if self.number > 1 else ""
        after = self._link(self.number + 1) if len(taken) > self.size else ""
        return Part(taken[: self.size], before, after)

    def _link(self, number: int) -> str:
        stays = self.request.url.remove_query_params(SAID_ONCE)
        return f"?{stays.include_query_params(page=number).query}"
