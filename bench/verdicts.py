"""What was measured of one shape, beside the goals; a goal that is missed is in bold."""

from __future__ import annotations

from dataclasses import dataclass

from bench.shapes import Shape

MOST_FLOORS = 10
"""p50 of a page of 20, in multiples of the floor's; an estimate's too."""
MOST_CPU = 2.0
"""Milliseconds a request of server and database, selective shapes."""
MOST_GROWTH = 1.5
"""p50 from one size to the next."""
MOST_COUNTING = 150.0
"""Milliseconds for a million matches that are counted."""

COLUMNS = (
    *("shape", "kind", "p50 ms", "p95 ms", "floor ms", "times the floor", "CPU ms"),
    *("growth", "ms per million counted", "entries", "bytes"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in milliseconds; of the answers, medians."""

    shape: Shape
    p50: float = 0
    p95: float = 0
    cpu: float = 0
    floor: float = 0
    size: int = 0
    entries: float = 0
    most: int = 0
    """Entries of the fullest answer; 0 says that nothing was found at all."""
    total: float = 0
    before: float = 0
    """p50 of the size before; 0 when there is none."""
    refused: str = ""
    """What the server says instead of answering."""

    @property
    def floors(self) -> float:
        return self.p50 / self.floor

    @property
    def growth(self) -> float:
        return self.p50 / self.before if self.before else 0

    @property
    def counting(self) -> float:
        return self.p50 / self.total * 1e6 if self.shape.kind == "count" and self.total else 0


def missed(figures: Figures) -> set[str]:
    """Return the columns whose goal is missed."""
    if figures.refused:
        return {"shape"}
    kind = figures.shape.kind
    goals = {
        "times the floor": kind == "count" or figures.floors <= MOST_FLOORS,
        "CPU ms": kind != "selective" or figures.cpu <= MOST_CPU,
        "growth": kind == "count" or figures.growth < MOST_GROWTH,
        "ms per million counted": figures.counting <= MOST_COUNTING,
        "entries": figures.most > 0,
    }
    return {column for column, reached in goals.items() if not reached}


def heading(stored: int) -> str:
    rule = "|---" * len(COLUMNS)
    return f"\n{stored:,} resources\n\n| {' | '.join(COLUMNS)} |\n{rule}|"


def show(figures: Figures) -> str:
    """Return the row of the table."""
    name = figures.shape.name
    if figures.refused:
        return f"| {name} | **not supported** ({figures.refused}) {'| ' * len(COLUMNS[1:])}|"
    values = (
        *(name, figures.shape.kind, f"{figures.p50:.2f}", f"{figures.p95:.2f}"),
        *(f"{figures.floor:.2f}", f"{figures.floors:.1f}", f"{figures.cpu:.2f}"),
        f"{figures.growth:.2f}" if figures.before else "",
        f"{figures.counting:.0f}" if figures.counting else "",
        *(f"{figures.entries:g}", f"{figures.size:,}"),
    )
    late = missed(figures)
    cells = (
        f"**{value}**" if column in late else value
        for column, value in zip(COLUMNS, values, strict=True)
    )
    return f"| {' | '.join(cells)} |"
