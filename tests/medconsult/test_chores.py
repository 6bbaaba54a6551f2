"""What goes on by itself goes on: a chore that fails does so alone, and is tried again."""

from __future__ import annotations

import psycopg2
import pytest

from medconsult.chores import Chore


@pytest.mark.parametrize("error", [psycopg2.OperationalError("away"), KeyError("odd")])
def test_a_chore_that_fails_is_tried_again(error: Exception) -> None:
    tried: list[str] = []

    def work() -> None:
        tried.append("once more")
        raise error

    chore = Chore("odd", 0, work)
    chore.look()
    chore.look()
    assert len(tried) == 2


def test_a_chore_is_done_at_the_start_and_then_when_it_is_due() -> None:
    tried: list[str] = []
    chore = Chore("seldom", 3600, lambda: tried.append("done"))
    chore.look()
    chore.look()
    assert tried == ["done"]
