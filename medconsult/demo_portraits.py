"""Drawn portraits of the demo's practitioners: flat shapes, so that nobody takes them for real people."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw

SIDE = 256
_FINE = 4
"""Drawn so many times larger, then made smaller: edges come out smooth."""


@dataclass(frozen=True, slots=True)
class Look:
    """One row of colours, and the hair: short, long, bun or bald."""

    ground: str
    skin: str
    hair: str
    style: str
    coat: str


LOOKS = {
    "demo-osei": Look("#D9E8E4", "#8D5A3B", "#1E1714", "bun", "#F4F6F7"),
    "demo-lindqvist": Look("#E6E1F0", "#F1CDB0", "#D8B36A", "long", "#F4F6F7"),
    "demo-rahman": Look("#DCE6F1", "#C58F66", "#2A1F1A", "short", "#2F5D7C"),
    "demo-nowak": Look("#EFE7DA", "#EFC8A8", "#8A6A4A", "short", "#F4F6F7"),
    "demo-tran": Look("#F1DFE0", "#E8BC93", "#17130F", "long", "#5B8A72"),
    "demo-santos": Look("#DDEBDD", "#B97F55", "#35241A", "short", "#F4F6F7"),
    "demo-yilmaz": Look("#E2EAF2", "#E3B48D", "#4A2E1F", "bun", "#7A4E6D"),
    "demo-iyer": Look("#F3E8D3", "#A8704A", "#1B1411", "long", "#F4F6F7"),
    "demo-okafor": Look("#DFE9E9", "#6F452D", "#14100D", "bald", "#3D6B6B"),
    "demo-berg": Look("#EAE4DC", "#F0CBB0", "#B9B4AC", "bun", "#F4F6F7"),
    "demo-moreau": Look("#E1E6F0", "#EBC3A0", "#5C4632", "short", "#44546A"),
    "demo-haddad": Look("#F0E3E0", "#D5A47C", "#2B1A14", "long", "#F4F6F7"),
}


def portrait(look: Look) -> bytes:
    """Return a JPEG, SIDE pixels square."""
    image = Image.new("RGB", (SIDE * _FINE, SIDE * _FINE), look.ground)
    draw = ImageDraw.Draw(image)

    def round_(left: int, top: int, right: int, bottom: int, colour: str) -> None:
        draw.ellipse([each * _FINE for each in (left, top, right, bottom)], fill=colour)

    if look.style == "long":
        round_(66, 44, 190, 212, look.hair)
    if look.style == "bun":
        round_(102, 18, 154, 70, look.hair)
    round_(28, 186, 228, 360, look.coat)
    round_(104, 160, 152, 216, look.skin)
    if look.style != "bald":
        round_(74, 42, 182, 150, look.hair)
    round_(80, 58, 176, 184, look.skin)
    _fringe(draw, look)
    round_(106, 112, 115, 122, "#2B2320")
    round_(141, 112, 150, 122, "#2B2320")
    mouth = [each * _FINE for each in (108, 126, 148, 158)]
    draw.arc(mouth, 30, 150, fill="#7A3B33", width=3 * _FINE)
    made = io.BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(made, "JPEG", quality=88)
    return made.getvalue()


def _fringe(draw: ImageDraw.ImageDraw, look: Look) -> None:
    if look.style != "bald":
        box = [each * _FINE for each in (78, 48, 178, 124)]
        draw.chord(box, 190, 350, fill=look.hair)
