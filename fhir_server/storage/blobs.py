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
from io import BytesIO
from pathlib import Path
from typing import Protocol

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from fhir_server.errors import NotFound, Unavailable

_NAME = re.compile(r"sha256-[0-9a-f]{64}")
_ABSENT = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchObject"})
_PRESENT = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


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


def name_of(content: bytes) -> str:
    """Return the name under which the content is kept."""
    return f"sha256-{hashlib.sha256(content).hexdigest()}"


def _checked(name: str) -> str:
    # the name becomes a path of the file system: nothing but a hash may get there
    if not _NAME.fullmatch(name):
        raise NotFound("The content asked for has no name of this store.")
    return name


def _intact(name: str, content: bytes) -> bytes:
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
        path = self._path(_checked(name))
        with _refusing_disk():
            try:
                content = path.read_bytes()
            except FileNotFoundError as error:
                raise NotFound(f"The store has no content {name}.") from error
        return _intact(name, content)

    def check(self) -> None:
        probe = self.folder / f".probe-{secrets.token_hex(8)}"
        with _refusing_disk():
            self._write(probe, b"")
            probe.unlink()

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


@dataclass(frozen=True, slots=True)
class S3Blobs:
    """A bucket of an S3-compatible store; `s3_blobs` connects to one."""

    client: Minio
    bucket: str

    def put(self, content: bytes) -> str:
        name = name_of(content)
        with _refusing_store():
            try:
                self._put(name, content)
            except S3Error as error:
                if error.code != "NoSuchBucket":
                    raise
                self._make_bucket()
                self._put(name, content)
        return name

    def get(self, name: str) -> bytes:
        with _refusing_store():
            try:
                response = self.client.get_object(self.bucket, _checked(name))
            except S3Error as error:
                if error.code in _ABSENT:
                    raise NotFound(f"The store has no content {name}.") from error
                raise
            try:
                return _intact(name, response.read())
            finally:
                response.close()
                response.release_conn()

    def check(self) -> None:
        # empty content has a name of its own: writing it again and again leaves one object
        with _refusing_store():
            if not self.client.bucket_exists(self.bucket):
                self._make_bucket()
        self.put(b"")

    def _put(self, name: str, content: bytes) -> None:
        self.client.put_object(self.bucket, name, BytesIO(content), len(content))

    def _make_bucket(self) -> None:
        try:
            self.client.make_bucket(self.bucket)
        except S3Error as error:
            if error.code not in _PRESENT:  # another worker was first
                raise


def s3_blobs(
    endpoint: str,
    bucket: str,
    *,
    access_key: str,
    secret_key: str,
    region: str = "us-east-1",
    secure: bool = True,
) -> S3Blobs:
    """Return the store at host:port; the first use of it makes the bucket."""
    client = Minio(
        endpoint,
        access_key=access_key,
        secret_key=secret_key,
        region=region,
        secure=secure,
        http_client=_pool(),
    )
    return S3Blobs(client, bucket)


def _pool() -> urllib3.PoolManager:
    # the client's own pool tries for five minutes, and a request cannot wait so long
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=3, read=60),
        retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)),
        maxsize=10,
    )


@contextlib.contextmanager
def _refusing_store() -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        raise Unavailable(f"The store of binary content refuses: {error.code}.") from error
    except MinioException as error:
        raise Unavailable("The store of binary content gives no S3 answer.") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Unavailable("The store of binary content does not answer.") from error
