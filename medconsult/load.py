"""`medconsult load`: bundles and NDJSON from files, archives and folders into the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.errors import FHIRError, Issue, Unavailable
from fhir_server.rest import outcomes
from fhir_server.storage import identity
from medconsult.blobs import blob_store
from medconsult.garbage import collect_seldom
from medconsult.loading.journal import Journal, Mark, opened
from medconsult.loading.pieces import UNREADABLE, Piece, Unreadable, files, pieces
from medconsult.loading.progress import Progress
from medconsult.loading.writing import (
    BATCH,
    Line,
    Outcome,
    Rejected,
    absent,
    write_document,
    write_lines,
)
from medconsult.settings import Settings

LISTED = 20
WAITS = frozenset({"not-found", "conflict"})
"""Codes of issues that go away when what a bundle refers to is there."""


@dataclass(slots=True)
class Load:
    """One run of the command."""

    store: Store
    journal: Journal
    progress: Progress
    settled: set[str] = field(default_factory=set)
    """Rejected for good; told of already."""
    waiting: dict[str, FHIRError] = field(default_factory=dict)
    """Refused for what may be there when the others are loaded; by the piece's name."""

    def run(self, found: Sequence[Path]) -> bool:
        """Load all; returns whether nothing was rejected and no reference leads nowhere."""
        before = -1
        while self.progress.stored > before:
            before = self.progress.stored
            self._round(found)
            if not self.waiting:
                break
        for name, error in self.waiting.items():
            self._reject(name, [Rejected("", error.all_issues())])
        return not self._dangling() and not self.progress.rejected

    def _round(self, found: Sequence[Path]) -> None:
        """Load every piece that is not finished."""
        self.waiting = {}
        self.progress.bytes_before = 0
        for path in found:
            for piece in pieces(path, self.progress.follow):
                if isinstance(piece, Unreadable):
                    self._reject(piece.name, [Rejected("", [Issue("structure", piece.reason)])])
                else:
                    self._load(piece)
            self.progress.past(path.stat().st_size)

    def _load(self, piece: Piece) -> None:
        mark = self.journal.mark(piece.stamp)
        if mark.finished:
            self.progress.skipped += piece.stamp not in self.settled
            self.settled.add(piece.stamp)
        elif piece.name not in self.settled:
            try:
                self._lines(piece, mark) if piece.is_ndjson else self._document(piece)
            except UNREADABLE as error:
                text = f"It cannot be read to its end: {error}."
                self._reject(piece.name, [Rejected("", [Issue("structure", text)])])

    def _document(self, piece: Piece) -> None:
        raw = piece.stream.read()
        try:
            outcome = write_document(self.store, raw)
        except Exception as error:
            expected = outcomes.expected(error)
            if expected is None or isinstance(expected, Unavailable):
                raise
            if WAITS.issuperset(issue.code for issue in expected.all_issues()):
                self.waiting[piece.name] = expected
            else:
                self._reject(piece.name, [Rejected("", expected.all_issues())])
        else:
            self._done(piece, Mark(1, finished=True, rejected=len(outcome.rejected)), outcome)

    def _lines(self, piece: Piece, mark: Mark) -> None:
        number, rejected = mark.lines, mark.rejected
        for batch in batches(piece.stream, mark.lines):
            outcome = write_lines(self.store, batch)
            number, rejected = batch[-1].number, rejected + len(outcome.rejected)
            self._done(piece, Mark(number, rejected=rejected), outcome)
        self.journal.note(piece.stamp, Mark(number, finished=True, rejected=rejected))
        self.settled.add(piece.stamp)

    def _done(self, piece: Piece, mark: Mark, outcome: Outcome) -> None:
        self.journal.note(piece.stamp, mark, outcome.dangling)
        self.progress.add(outcome.stored)
        if mark.finished:
            self.settled.add(piece.stamp)
        if outcome.rejected:
            self._reject(piece.name, outcome.rejected, settled=False)

    def _reject(self, name: str, rejected: Sequence[Rejected], *, settled: bool = True) -> None:
        if name in self.settled:
            return
        if settled:
            self.settled.add(name)
        self.progress.rejected += len(rejected)
        for record in rejected:
            place = f"{name}, {record.place}" if record.place else name
            for issue in record.issues:
                at = f"{issue.expression}: " if issue.expression else ""
                self.progress.say(f"rejected {place}: {at}{issue.diagnostics}")

    def _dangling(self) -> bool:
        """List the references that lead nowhere although all is loaded."""
        names = set(self.journal.dangling)
        gone = sorted(self.store.reading(lambda repository: absent(repository, names)))
        for name in gone[:LISTED]:
            self.progress.say(f"missing {name}: {self.journal.dangling[name]} refers to it")
        if len(gone) > LISTED:
            self.progress.say(f"missing {len(gone) - LISTED:,} more resources that others refer to")
        return bool(gone)


def batches(stream: IO[bytes], done: int) -> Iterator[list[Line]]:
    """Yield the lines after the first `done`."""
    batch: list[Line] = []
    for number, text in enumerate(stream, 1):
        if number > done and text.strip():
            batch.append(Line(number, text))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def run(settings: Settings, paths: Sequence[Path], *, again: bool = False) -> int:
    """Load into the database of the settings; returns the exit status."""
    collect_seldom()
    found = files(paths)
    progress = Progress(sum(path.stat().st_size for path in found))
    with closing(Database(settings.database_url)) as database:
        store = Store(
            database,
            blob_store(settings),
            f"{settings.public_url}/fhir",
            settings.referential_integrity == "check",
        )
        with database.connection() as connection:
            name = identity.of_database(connection)
        load = Load(store, opened(settings.data_dir, name, again=again), progress)
        try:
            complete = load.run(found)
        except Unavailable as error:
            progress.say(f"medconsult: {error} Start the load again, and it goes on from here.")
            complete = False
        except KeyboardInterrupt:
            progress.say("Interrupted. Start the load again, and it goes on from here.")
            complete = False
    progress.say(progress.summary())
    return 0 if complete else 1
