"""`python -m bench`: measure, and print a table. Only CPU seconds count; wall time is noise."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench import access, servers, work
from bench.servers import House
from bench.work import Row

SERVED: dict[str, Callable[[House, int], list[Row]]] = {
    "read": work.reading,
    "create": work.creating,
    "transaction": work.transactions,
    "access": access.access,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--only",
        nargs="*",
        choices=[*SERVED, "memory", "load"],
        default=[*SERVED, "memory", "load"],
    )
    asked = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, {asked.rounds} rounds")
    print("\n| work | unit | goal | min | median | max |\n|---|---|---|---|---|---|")
    raw: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        # PostgreSQL may run as an account of its own.
        Path(folder).chmod(0o755)
        measure(Path(folder), asked, raw)
    print("\nEvery round:\n")
    for row in raw:
        print(f"    {row.work}: {' '.join(f'{figure:.3g}' for figure in row.figures)}")


def measure(folder: Path, asked: argparse.Namespace, raw: list[Row]) -> None:
    with servers.database(folder) as house:
        served(house, asked, raw)
        if "load" in asked.only:
            show(work.loading(house, asked.rounds), raw)


def served(house: House, asked: argparse.Namespace, raw: list[Row]) -> None:
    """Measure a server, and the memory of another, fresh one."""
    if set(asked.only) & set(SERVED):
        with servers.serving(house, "--open") as serving:
            for name in asked.only:
                if name in SERVED:
                    show(SERVED[name](serving, asked.rounds), raw)
    if "memory" in asked.only:
        with servers.serving(house, "--open") as serving:
            show(work.memory(serving), raw)


def show(rows: list[Row], raw: list[Row]) -> None:
    raw += rows
    for row in rows:
        shown = (f"{f(row.figures):.3g}" for f in (min, median, max))
        print(f"| {row.work} | {row.unit} | {row.goal} | {' | '.join(shown)} |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
