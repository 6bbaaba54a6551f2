"""Pages: Jinja2 templates, answered with the headers that keep others from framing or scripting them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from types import MappingProxyType
from typing import Any, ParamSpec

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from fhir_server.errors import FHIRError
from smart_auth import devices
from smart_auth.auth import Auth
from smart_auth.wording import dated, later, say, teach

P = ParamSpec("P")

SAFE: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not no-referrer: a browser would then hide the Origin of our own forms.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    }
)
STATIC: Mapping[str, str] = MappingProxyType(
    {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
)


HOME = ("/", later("Home"))


class Stop(HTTPException):
    """A request ends here, with a title and a sentence that says what to do.

    On a route marked `worded` it is a page; anywhere else FastAPI answers the sentence as JSON.
    """

    def __init__(
        self,
        status: int,
        title: str,
        sentence: str,
        *,
        link: tuple[str, str] = ("", ""),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, sentence, dict(headers or {}) or None)
        self.title = title
        self.link = link


def security_policy(form_action: Sequence[str] = ("'self'",)) -> str:
    """Return the Content-Security-Policy; form_action lists where a form's answer may lead."""
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data: https:; script-src 'self'; "
        f"connect-src 'self'; form-action {' '.join(form_action)}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    form_action: Sequence[str] = ("'self'",),
    **context: Any,
) -> HTMLResponse:
    """Return the page. The shell looks for signed and csrf, the fields for errors and values."""
    text = environment().get_template(template).render(request=request, **context)
    safe = {**SAFE, "Content-Security-Policy": security_policy(form_action), **(headers or {})}
    return HTMLResponse(text, status, safe)


def onwards(request: Request, link: str, **context: Any) -> HTMLResponse:
    """Lead on by a page of its own.

    Browsers hold a form's whole chain of redirects to its form-action, and the way may end at an app.
    """
    return render(request, "onwards.html", link=link, **context)


def worded(
    endpoint: Callable[P, Response],
) -> Callable[P, Response]:
    """Let a route that has `request` among its parameters answer Stop, and what the records refuse, as a page."""

    @functools.wraps(endpoint)
    def answer(*args: P.args, **kwargs: P.kwargs) -> Response:
        try:
            return endpoint(*args, **kwargs)
        except Stop as stop:
            return stopped(kwargs["request"], stop)  # type: ignore[arg-type]
        except FHIRError as refusal:
            refused = Stop(refusal.status, later("This cannot be done"), str(refusal), link=HOME)
            return stopped(kwargs["request"], refused)  # type: ignore[arg-type]

    return answer


def stopped(request: Request, stop: Stop) -> HTMLResponse:
    link, words = stop.link
    return render(
        request,
        "stopped.html",
        status=stop.status_code,
        headers=stop.headers,
        title=stop.title,
        sentence=stop.detail,
        link=link,
        words=words,
    )


@functools.cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("smart_auth", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    teach(made)
    made.filters["day"] = _day
    made.filters["device"] = devices.named
    return made


@functools.cache
def letters(package: str = "smart_auth") -> Environment:
    """Return the environment of a room's mails: plain texts, nothing escaped, nothing that may be missing."""
    made = Environment(
        loader=PackageLoader(package, "templates/mail"),
        autoescape=False,  # noqa: S701 - plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    teach(made)
    return made


def _day(moment: datetime) -> str:
    return dated(moment, say("EEE d MMM yyyy"))


def routes(_: Auth) -> APIRouter:
    """Serve what is in the folder `static`."""
    router = APIRouter()

    @router.get("/auth/static/{name}")
    def static(name: str) -> Response:
        content = _static(name)
        if content is None:
            raise HTTPException(404, f"There is no file {name}.")
        kind = STATIC[name.rpartition(".")[2]]
        headers = {**SAFE, "Cache-Control": "public, max-age=3600"}
        return Response(content, headers=headers, media_type=kind)

    return router


@functools.lru_cache(maxsize=64)
def _static(name: str) -> bytes | None:
    """Return the file's content; None when the folder has none of that very name."""
    found = {file.name: file for file in files("smart_auth").joinpath("static").iterdir()}
    file = found.get(name)
    if file is None or name.rpartition(".")[2] not in STATIC:
        return None
    return file.read_bytes()
