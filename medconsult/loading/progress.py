"""The line that tells how far a load is; shown on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import click

EVERY_S = 0.25


def nowhere() -> int:
    return 0


@dataclass(slots=True)
class Progress:
    """Counts resources; remaining time is guessed from the bytes read so far."""

    total_bytes: int
    stored: int = 0
    rejected: int = 0
    skipped: int = 0
    bytes_before: int = 0
    position: Callable[[], int] = nowhere
    shown: bool = field(default_factory=sys.stderr.isatty)
    started: float = field(default_factory=time.monotonic)
    _last: float = 0.0

    @property
    def seconds(self) -> float:
        return max(time.monotonic() - self.started, 1e-6)

    def add(self, stored: int) -> None:
        self.stored += stored
        if self.shown and time.monotonic() - self._last > EVERY_S:
            self._last = time.monotonic()
            click.echo(f"\r{self.line()}\x1b[K", nl=False, err=True)

    def follow(self, position: Callable[[], int]) -> None:
        """Ask `position` how much of the present file is read."""
        self.position = position

    def past(self, size: int) -> None:
        """A file of so many bytes is done with."""
        self.position = nowhere
        self.bytes_before += size

    def say(self, sentence: str) -> None:
        """Print a lasting line above the progress line."""
        click.echo(f"\r\x1b[K{sentence}" if self.shown else sentence, err=True)

    def line(self) -> str:
        return f"{self.stored:,} resources  {self.stored / self.seconds:,.0f}/s{self._remaining()}"

    def _remaining(self) -> str:
        done = self.bytes_before + self.position()
        if not 0 < done <= self.total_bytes:
            return ""
        left = round(self.seconds * (self.total_bytes - done) / done)
        return f"  {100 * done // self.total_bytes} %  {left // 60}:{left % 60:02d} left"

    def summary(self) -> str:
        rate = self.stored / self.seconds
        parts = [f"{self.stored:,} resources in {self.seconds:.1f} s ({rate:,.0f}/s)"]
        if self.skipped:
            parts.append(f"{self.skipped:,} files were loaded before (--again loads them anew)")
        parts.append(f"{self.rejected:,} rejected")
        return "; ".join(parts)
