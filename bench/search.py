"""`make bench-search`: how fast the server searches, beside a read of as many bytes by primary key.

Every shape (`bench.shapes`) is asked over one connection of a server with one worker, each time with
other values; then the floor reads the text of the median answer as often.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from statistics import median

from bench import filling, servers
from bench.accounts import precise
from bench.clients import request, send
from bench.latency import Line, Timed, each, line, p50, p95
from bench.population import Population
from bench.servers import House
from bench.shapes import SHAPES, Corpus, Shape
from bench.verdicts import Figures, heading, missed, show

WARMING = 5
TOTAL = re.compile(rb'"total":\s*(\d+)')


@dataclass(frozen=True, slots=True)
class Bench:
    """What is asked, and of whom."""

    house: House
    corpus: Corpus
    requests: int

    def measure(self, shape: Shape) -> Figures:
        drawn = [f"/fhir/{shape.draw(self.corpus)}" for _ in range(WARMING + self.requests)]
        ours = line(self.house.port)
        refused = next((one for one in each(ours, drawn[:WARMING]) if one.status != 200), None)
        if refused is not None:
            return Figures(shape, refused=_reason(refused))
        roots = [self.house.server, self.house.database]
        before = precise(roots)
        timed = list(each(ours, drawn[WARMING:]))
        spent = (precise(roots) - before) / self.requests * 1e3
        wrong = next((one for one in timed if one.status != 200), None)
        if wrong is not None:
            return Figures(shape, refused=_reason(wrong))
        return self._figures(shape, timed, spent)

    def _figures(self, shape: Shape, timed: list[Timed], spent: float) -> Figures:
        middle = sorted(timed, key=lambda one: len(one.body))[len(timed) // 2]
        floor = self._floor(middle.body)
        return Figures(
            shape,
            p50=p50(timed),
            p95=p95(timed),
            cpu=spent,
            floor=p50(floor),
            size=len(middle.body),
            entries=median(_entries(one) for one in timed),
            most=max(_entries(one) for one in timed),
            total=median(_total(one) for one in timed),
        )

    def _floor(self, text: bytes) -> list[Timed]:
        """Read the text as often by its primary key."""
        port = self.house.floor_port
        key = send(port, [request("POST", "/", text, port)])[0][1].decode()
        floor: Line = line(port)
        paths = [f"/{key}"] * (WARMING + self.requests)
        return list(each(floor, paths))[WARMING:]


def _reason(answer: Timed) -> str:
    try:
        issue = json.loads(answer.body)["issue"][0]
        return f"{answer.status}: {issue.get('diagnostics', issue['code'])}"
    except (ValueError, LookupError):
        return str(answer.status)


def _entries(answer: Timed) -> int:
    return len(json.loads(answer.body).get("entry", []))


def _total(answer: Timed) -> int:
    found = TOTAL.search(answer.body)
    return int(found[1]) if found else 0


def main() -> None:
    asked = _arguments()
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {asked.requests} requests a shape"
    )
    shapes = [shape for shape in SHAPES if not asked.only or shape.name in asked.only]
    before: dict[str, float] = {}
    late = 0
    for size in asked.sizes:
        with _folder(asked.data, size) as folder:
            measured = _measured(folder, Population(asked.seed, size), shapes, asked, before)
        before = {figures.shape.name: figures.p50 for figures in measured}
        late += sum(bool(missed(figures)) for figures in measured)
    print(f"\n{late} rows miss a goal: what is in bold.")


def _measured(
    folder: Path,
    population: Population,
    shapes: Sequence[Shape],
    asked: argparse.Namespace,
    before: Mapping[str, float],
) -> list[Figures]:
    with servers.database(folder) as house:
        stored = filling.fill(house.url, population)
        with servers.serving(house, "--open") as serving:
            bench = Bench(serving, Corpus(population, Random(asked.draw)), asked.requests)
            print(heading(stored), flush=True)
            return [
                _shown(replace(bench.measure(shape), before=before.get(shape.name, 0)))
                for shape in shapes
            ]


def _shown(figures: Figures) -> Figures:
    print(show(figures))
    sys.stdout.flush()
    return figures


@contextmanager
def _folder(kept: Path | None, size: int) -> Iterator[Path]:
    """Give the folder of a store: one that stays, or one that goes."""
    if kept is not None:
        folder = kept.resolve() / str(size)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as made:
        # PostgreSQL may run as an account of its own.
        Path(made).chmod(0o755)
        yield Path(made)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000], help="resources")
    parser.add_argument("--requests", type=int, default=60, help="of each shape")
    parser.add_argument("--data", type=Path, help="folder that keeps the stores for the next run")
    parser.add_argument("--seed", type=int, default=1, help="of the population")
    parser.add_argument(
        "--draw", type=int, help="seed of the values asked for; other ones each run"
    )
    parser.add_argument("--only", nargs="*", choices=[shape.name for shape in SHAPES])
    return parser.parse_args()


if __name__ == "__main__":
    main()
