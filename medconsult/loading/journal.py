"""What of a load is finished, so that an interrupted one goes on where it stopped.

A line of JSON is appended after each commit. What was committed in the instant before a crash may
be missing from it: then those records are put once more, as the same versions' successors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

FILE = "load-journal.ndjson"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a piece is loaded."""

    lines: int = 0
    finished: bool = False
    rejected: int = 0


NOTHING = Mark()


@dataclass(slots=True)
class Journal:
    """Marks of one database's pieces, and the references that led nowhere when they were stored."""

    path: Path
    database: str
    marks: dict[str, Mark] = field(default_factory=dict)
    dangling: dict[str, str] = field(default_factory=dict)
    """ "Type/id" that did not exist -> the piece that refers to it."""

    def mark(self, piece: str) -> Mark:
        return self.marks.get(piece, NOTHING)

    def note(self, piece: str, mark: Mark, dangling: Iterable[str] = ()) -> None:
        """Remember, also on the disk."""
        absent = sorted(dangling)
        self._take(piece, mark, absent)
        line = {
            "database": self.database,
            "piece": piece,
            "lines": mark.lines,
            "finished": mark.finished,
            "rejected": mark.rejected,
            "dangling": absent,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _take(self, piece: str, mark: Mark, dangling: Iterable[str]) -> None:
        self.marks[piece] = mark
        for name in dangling:
            self.dangling.setdefault(name, piece.partition("|")[0])


def opened(data_dir: Path, database: str, *, again: bool) -> Journal:
    """Read the journal of this database; with `again` all begins anew."""
    journal = Journal(data_dir / FILE, database)
    if again or not journal.path.exists():
        return journal
    for text in journal.path.read_text().splitlines():
        _read_line(journal, text)
    return journal


def _read_line(journal: Journal, text: str) -> None:
    try:
        line = json.loads(text)
    except ValueError:
        return  # a crash cut it off
    if line["database"] == journal.database:
        mark = Mark(line["lines"], line["finished"], line["rejected"])
        journal._take(line["piece"], mark, line["dangling"])  # noqa: SLF001 - same module
