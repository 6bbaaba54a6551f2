"""What people hand over: known by its content and not its name, and made harmless.

Images are drawn anew, which leaves out where and by what they were taken.
"""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass

import structlog
from PIL import Image, UnidentifiedImageError

from ui import scanning

LARGEST = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000
LONGEST_SIDE = 4000
_DRAWN = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
log = structlog.get_logger("uploads")


class Unacceptable(Exception):
    """A sentence on why the file is not taken."""


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    type: str
    """application/pdf, image/jpeg, image/png or image/webp."""


def accepted(content: bytes, scanner: str = "") -> File:
    """Return the file as it is kept; Unacceptable when it is none that is taken.

    scanner: host:port of a ClamAV daemon that is asked too; "" for none.
    """
    if not content:
        raise Unacceptable("The file is empty. Choose another one.")
    if len(content) > LARGEST:
        raise Unacceptable(f"The file is larger than {LARGEST // 2**20} MB. Make it smaller first.")
    if scanner:
        _refuse_harmful(scanner, content)
    if content.startswith(b"%PDF-"):
        return File(content, "application/pdf")
    return _drawn_anew(content)


def _refuse_harmful(scanner: str, content: bytes) -> None:
    try:
        scanning.scan(scanner, content)
    except scanning.Harmful as found:
        raise Unacceptable(f"The file is harmful ({found}); it was not kept.") from found
    except scanning.Unscanned as error:
        log.warning("upload.unscanned", error=str(error))
        raise Unacceptable(
            "The file cannot be checked for viruses right now. Try again later."
        ) from error


def _drawn_anew(content: bytes) -> File:
    try:
        with Image.open(io.BytesIO(content), formats=tuple(_DRAWN)) as image:
            kind = str(image.format)
            image.load()
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            made = io.BytesIO()
            plain = image.convert("RGB") if kind == "JPEG" else image
            plain.save(made, kind)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise Unacceptable(
            "This is neither a PDF nor a picture (JPEG, PNG, WebP) that can be opened."
        ) from None
    return File(made.getvalue(), _DRAWN[kind])


def safe_name(name: str) -> str:
    """Return a file name without path or control characters."""
    plain = "".join(
        letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable()
    )
    return plain.strip(". ")[:120] or f"file-{secrets.token_hex(3)}"
