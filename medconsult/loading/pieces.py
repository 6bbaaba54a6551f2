"""Files and folders as pieces: bundles and NDJSON, out of their compression and archives."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

ARCHIVES = (".tar.gz", ".tgz")
RECORDS = (".json", ".ndjson", ".json.gz", ".ndjson.gz")
UNREADABLE = (OSError, EOFError, zlib.error, tarfile.TarError)
"""What reading a broken file or archive raises."""

Position = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of records, or one member of an archive; the stream is good until the next piece."""

    name: str
    """As people are told of it: a path, with the archive's member after a colon."""
    stamp: str
    """Another one when the file changed: path, size, time of change and member."""
    is_ndjson: bool
    stream: IO[bytes]


@dataclass(frozen=True, slots=True)
class Unreadable:
    name: str
    reason: str


def files(paths: Iterable[Path]) -> list[Path]:
    """Return the files to read, folders opened, in order of name below each path."""
    found: list[Path] = []
    for path in paths:
        found.extend(sorted(_below(path)) if path.is_dir() else [path])
    return list(dict.fromkeys(found))


def _below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and _is_wanted(path.name))


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name.endswith((*RECORDS, *ARCHIVES))


def pieces(path: Path, moved: Callable[[Position], None]) -> Iterator[Piece | Unreadable]:
    """Yield what the file holds; `moved` is given what tells how many bytes of it are read."""
    try:
        with path.open("rb") as raw:
            moved(raw.tell)
            yield from _opened(path, raw)
    except UNREADABLE as error:
        yield Unreadable(str(path), f"It cannot be read: {error}.")


def _opened(path: Path, raw: BufferedReader) -> Iterator[Piece | Unreadable]:
    state = os.fstat(raw.fileno())
    stamp = f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}"
    if path.name.endswith(ARCHIVES):
        yield from _members(path, stamp, raw)
    elif path.name.endswith(RECORDS):
        yield _piece(str(path), stamp, raw)
    else:
        wanted = ", ".join((*RECORDS, *ARCHIVES))
        yield Unreadable(str(path), f"Its name has to end in one of {wanted}.")


def _members(path: Path, stamp: str, raw: BufferedReader) -> Iterator[Piece]:
    with tarfile.open(fileobj=raw, mode="r|gz") as archive:
        for member in archive:
            name = member.name.rpartition("/")[2]
            if not member.isfile() or name.startswith(".") or not name.endswith(RECORDS):
                continue
            stream = archive.extractfile(member)
            if stream is not None:
                yield _piece(f"{path}:{member.name}", f"{stamp}|{member.name}", stream)


def _piece(name: str, stamp: str, stream: IO[bytes]) -> Piece:
    plain = name.removesuffix(".gz")
    unpacked = cast("IO[bytes]", gzip.GzipFile(fileobj=stream)) if plain != name else stream
    return Piece(name, stamp, plain.endswith(".ndjson"), unpacked)
