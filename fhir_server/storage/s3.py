"""Bytes by content in an S3-compatible store.

Apart from `blobs`, so that who needs no S3 does not load a client for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from fhir_server.errors import NotFound, Unavailable
from fhir_server.storage.blobs import checked, intact, is_name, name_of

_ABSENT = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchObject"})
_PRESENT = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


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
                response = self.client.get_object(self.bucket, checked(name))
            except S3Error as error:
                if error.code in _ABSENT:
                    raise NotFound(f"The store has no content {name}.") from error
                raise
            try:
                return intact(name, response.read())
            finally:
                response.close()
                response.release_conn()

    def check(self) -> None:
        # empty content has a name of its own: writing it again and again leaves one object
        with _refusing_store():
            if not self.client.bucket_exists(self.bucket):
                self._make_bucket()
        self.put(b"")

    def names(self) -> Iterator[str]:
        with _refusing_store():
            if self.client.bucket_exists(self.bucket):
                for each in self.client.list_objects(self.bucket):
                    if is_name(each.object_name or ""):
                        yield str(each.object_name)

    def remove(self, name: str) -> None:
        with _refusing_store():
            self.client.remove_object(self.bucket, checked(name))

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
