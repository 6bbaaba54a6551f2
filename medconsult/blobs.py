"""Where binary content goes, as the settings say."""

from __future__ import annotations

from fhir_server.storage.blobs import Blobs, FileBlobs
from fhir_server.storage.sealed import SealedBlobs
from medconsult.settings import Settings


def blob_store(settings: Settings) -> SealedBlobs:
    """Return where binary content goes, encrypted with the keys of the keys folder."""
    from smart_auth import keys  # noqa: PLC0415 - slow to import

    return SealedBlobs(_kept(settings), keys.content_keys(settings.keys_folder))


def _kept(settings: Settings) -> Blobs:
    if settings.blob_store == "files":
        return FileBlobs(settings.data_dir / "blobs")
    from fhir_server.storage.s3 import s3_blobs  # noqa: PLC0415 - its client is slow to import

    return s3_blobs(
        settings.s3_endpoint,
        settings.s3_bucket,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        region=settings.s3_region,
        secure=settings.s3_secure,
    )
