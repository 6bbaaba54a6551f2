"""Pictures, drawn anew: upright, not too large, and without a word on where and by what they were taken."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 50_000_000
LONGEST_SIDE = 4000
SIDE = 256
"""Pixels of a portrait."""
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class NoPicture(Exception):
    """It cannot be opened as one of TYPES."""


def drawn_anew(content: bytes) -> tuple[bytes, str]:
    """Return the picture and its media type; NoPicture when it is none."""
    try:
        with Image.open(io.BytesIO(content), formats=tuple(TYPES)) as image:
            kind = str(image.format)
            image.load()
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            made = io.BytesIO()
            upright = ImageOps.exif_transpose(image)
            upright.info = {}
            plain = upright.convert("RGB") if kind == "JPEG" else upright
            plain.save(made, kind)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise NoPicture from error
    return made.getvalue(), TYPES[kind]


def portrait(content: bytes) -> bytes:
    """Return the middle square of a picture that was drawn anew, SIDE wide, as JPEG."""
    with Image.open(io.BytesIO(content)) as image:
        square = ImageOps.fit(image.convert("RGB"), (SIDE, SIDE))
    made = io.BytesIO()
    square.save(made, "JPEG", quality=85)
    return made.getvalue()
