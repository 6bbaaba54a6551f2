"""Addresses for apps: no cookies, answers in JSON, open to the sites of the settings.

What a handler raises as OAuthError becomes the answer; handlers wait for the database, so they run in
a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from smart_auth.auth import Auth
from smart_auth.errors import NOT_STORED, OAuthError, as_json
from smart_auth.forms import Form, read_form

FormHandler = Callable[[Auth, Request, Form], Response]
Handler = Callable[[Request, Any], Response]
Reader = Callable[[Request], Awaitable[Any]]
Methods = Mapping[str, tuple[Reader, Handler]]
"""Each HTTP method with what reads the request and what answers it."""
_ASKED = "Authorization, Content-Type, Accept"


def add_form(router: APIRouter, auth: Auth, path: str, handler: FormHandler) -> None:
    """Add an address that takes a form by POST."""

    def answer(request: Request, form: Form) -> Response:
        return handler(auth, request, form)

    add(router, auth, path, {"POST": (read_form, answer)})


def add(router: APIRouter, auth: Auth, path: str, methods: Methods) -> None:
    """Add an address; it answers OPTIONS as well."""
    allowed = ", ".join((*methods, "OPTIONS"))

    async def endpoint(request: Request) -> Response:
        if request.method == "OPTIONS":
            response = Response(status_code=204, headers={"Allow": allowed})
        else:
            read, handler = methods[request.method]
            response = await _answered(request, read, handler)
        _share(response, request, auth.options.cors_origins, allowed)
        return response

    router.add_api_route(
        path,
        endpoint,
        methods=[*methods, "OPTIONS"],
        include_in_schema=False,
        response_model=None,
    )


async def _answered(request: Request, read: Reader, handler: Handler) -> Response:
    try:
        return await run_in_threadpool(handler, request, await read(request))
    except OAuthError as error:
        return as_json(error)


def secret_json(content: Any, status: int = 200) -> JSONResponse:
    """Return an answer that nobody on the way keeps."""
    return JSONResponse(content, status, NOT_STORED)


async def nothing(request: Request) -> None:
    """Read no body."""


def _share(response: Response, request: Request, origins: Sequence[str], allowed: str) -> None:
    """Let scripts of other sites read the answer, as the Fetch standard has it."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    if "*" not in origins:
        response.headers["Vary"] = "Origin"
        if origin not in origins:
            return
    response.headers["Access-Control-Allow-Origin"] = "*" if "*" in origins else origin
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = allowed
        response.headers["Access-Control-Allow-Headers"] = _ASKED
        response.headers["Access-Control-Max-Age"] = "3600"
