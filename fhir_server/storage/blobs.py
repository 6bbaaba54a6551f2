"""Bytes too large for a database row, kept under the hash of their content.

https://hl7.org/fhir/R4/binary.html. The name says what the content is, so the same content is kept
once, may be written twice without harm, and a row that names it can never meet other content.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fhir_server.errors import NotFound, Unavailable

_NAME = re.compile(r"sha256-[0-9a-f]{64}")


class Blobs(Protocol):
    """A store of bytes by content."""

    def put(self, content: bytes) -> str:
        """Keep the content for good and return its name; Unavailable when it cannot be kept."""
        ...

    def get(self, name: str) -> bytes:
        """Return the content; NotFound when the store has none of that name."""
        ...

    def check(self) -> None:
        """Write something; Unavailable when that fails."""
        ...

    def names(self) -> Iterator[str]:
        """Yield the names of all that is kept."""
        ...

    def remove(self, name: str) -> None:
        """Keep the content no longer; for who has made sure that nothing names it."""
        ...


def name_of(content: bytes) -> str:
    """Return the name under which the content is kept."""
    return f"sha256-{hashlib.sha256(content).hexdigest()}"


def is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def checked(name: str) -> str:
    """Return the name; NotFound when it is none of ours."""
    # the name becomes a path of the file system: nothing but a hash may get there
    if not is_name(name):
        raise NotFound("The content asked for has no name of this store.")
    return name


def intact(name: str, content: bytes) -> bytes:
    """Return the content; an error when it is not what the name says."""
    if name_of(content) != name:
        raise Unavailable(f"The stored content {name} is damaged; restore it from a backup.")
    return content


@dataclass(frozen=True, slots=True)
class FileBlobs:
    """A folder of this machine, two levels deep so that no folder grows too large."""

    folder: Path

    def put(self, content: bytes) -> str:
        name = name_of(content)
        path = self._path(name)
        with _refusing_disk():
            if not path.exists():
                self._write(path, content)
        return name

    def get(self, name: str) -> bytes:
        path = self._path(checked(name))
        with _refusing_disk():
            try:
                content = path.read_bytes()
            except FileNotFoundError as error:
                raise NotFound(f"The store has no content {name}.") from error
        return intact(name, content)

    def check(self) -> None:
        probe = self.folder / f".probe-{secrets.token_hex(8)}"
        with _refusing_disk():
            self._write(probe, b"")
            probe.unlink()

    def names(self) -> Iterator[str]:
        with _refusing_disk():
            yield from sorted(each.name for each in self.folder.glob("*/*/*") if is_name(each.name))

    def remove(self, name: str) -> None:
        path = self._path(checked(name))
        with _refusing_disk():
            path.unlink(missing_ok=True)
            _sync(path.parent)

    def _path(self, name: str) -> Path:
        digest = name.removeprefix("sha256-")
        return self.folder / digest[:2] / digest[2:4] / name

    def _write(self, path: Path, content: bytes) -> None:
        _make_folder(path.parent)
        partial = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        try:
            with open(partial, "xb", opener=_private) as file:  # Path.open takes no opener
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
        _sync(path.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    # a rename is safe from a power cut only when its folder is on disk too
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _refusing_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The folder of binary content does not work: {error.strerror}."
        ) from error
