"""What people hand over: known by its content and not its name, and made harmless.

Images are drawn anew, which leaves out where and by what they were taken.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, replace

import structlog
from fastapi import UploadFile

from fhir_server.repository import Repository
from fhir_server.scheduling import records
from smart_auth import limits
from smart_auth.sessions import Signed
from smart_auth.wording import later, say
from ui import scanning
from ui.portal import Portal

LARGEST = 20 * 1024 * 1024
MOST_AN_HOUR = 60
log = structlog.get_logger("uploads")


class Unacceptable(Exception):
    """A sentence on why the file is not taken."""


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    type: str
    """application/pdf, image/jpeg, image/png or image/webp."""
    name: str = ""


def accepted(content: bytes, scanner: str = "") -> File:
    """Return the file as it is kept; Unacceptable when it is none that is taken.

    scanner: host:port of a ClamAV daemon that is asked too; "" for none.
    """
    if not content:
        raise Unacceptable(later("The file is empty. Choose another one."))
    if len(content) > LARGEST:
        raise Unacceptable(
            say(
                "The file is larger than %(most)s MB. Make it smaller first.", most=LARGEST // 2**20
            )
        )
    if scanner:
        _refuse_harmful(scanner, content)
    if content.startswith(b"%PDF-"):
        return File(content, "application/pdf")
    return _picture(content)


def sent(portal: Portal, signed: Signed, file: UploadFile | None) -> File:
    """Return the file that a form came with; Unacceptable without one, or after too many in an hour."""
    if file is None or not file.filename:
        raise Unacceptable(later("Choose a file first."))
    with portal.auth.engine.begin() as connection:
        wait = limits.allow(connection, f"upload {signed.account.id}", MOST_AN_HOUR, 3600)
    if wait:
        raise Unacceptable(
            say(
                "You handed over %(most)s files within an hour. Go on in %(wait)s minutes.",
                most=MOST_AN_HOUR,
                wait=wait // 60 + 1,
            )
        )
    kept = accepted(file.file.read(LARGEST + 1), portal.scanner)
    return replace(kept, name=safe_name(file.filename))


def keep(repository: Repository, file: File, whose: str) -> str:
    """Keep the content as a Binary of somebody, "Patient/1"; returns its id. As the server itself."""
    binary = {
        "resourceType": "Binary",
        "contentType": file.type,
        "securityContext": {"reference": whose},
        "data": base64.b64encode(file.content).decode(),
    }
    return str(records.create(records.trusted(repository), binary)["id"])


def kept(portal: Portal, id_: str) -> File:
    """Return the content of a Binary, for whom what names it was shown to."""
    binary = portal.auth.store.reading(
        lambda repository: records.read(records.trusted(repository), "Binary", id_)
    )
    return File(base64.b64decode(binary.get("data", "")), binary["contentType"])


def portrait(file: File) -> bytes:
    """Return a square JPEG of a picture; Unacceptable when it is none."""
    from ui import pictures  # noqa: PLC0415 - the library comes with the first picture

    if not file.type.startswith("image/"):
        raise Unacceptable(later("This is no picture (JPEG, PNG, WebP) that can be opened."))
    return pictures.portrait(file.content)


def _picture(content: bytes) -> File:
    from ui import pictures  # noqa: PLC0415

    try:
        return File(*pictures.drawn_anew(content))
    except pictures.NoPicture:
        raise Unacceptable(
            later("This is neither a PDF nor a picture (JPEG, PNG, WebP) that can be opened.")
        ) from None


def _refuse_harmful(scanner: str, content: bytes) -> None:
    try:
        scanning.scan(scanner, content)
    except scanning.Harmful as found:
        raise Unacceptable(
            say("The file is harmful (%(found)s); it was not kept.", found=found)
        ) from found
    except scanning.Unscanned as error:
        log.warning("upload.unscanned", error=str(error))
        raise Unacceptable(
            later("The file cannot be checked for viruses right now. Try again later.")
        ) from error


def safe_name(name: str) -> str:
    """Return a file name without path or control characters."""
    plain = "".join(
        letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable()
    )
    return plain.strip(". ")[:120] or f"file-{secrets.token_hex(3)}"
