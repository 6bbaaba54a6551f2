"""Papers as PDF, made by WeasyPrint from templates: prescriptions and receipts."""

from __future__ import annotations

import functools
import io
from typing import Any

import segno

from ui.pages import environment


def pdf(template: str, **context: Any) -> bytes:
    """Return the PDF of a template; it can load nothing from anywhere."""
    from weasyprint import HTML  # noqa: PLC0415 - takes half a second, which only papers need

    text = environment().get_template(template).render(**context)
    return bytes(HTML(string=text, url_fetcher=_nothing).write_pdf())


def _nothing(url: str, *_: Any, **__: Any) -> dict[str, Any]:
    raise ValueError(f"A paper loads nothing: {url}")


@functools.lru_cache(maxsize=256)
def qr(text: str) -> str:
    """Return the QR code as SVG, to stand in a page."""
    made = io.BytesIO()
    segno.make(text, error="m").save(made, kind="svg", scale=3, xmldecl=False, svgns=True)
    return made.getvalue().decode()
