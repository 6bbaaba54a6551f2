"""The FHIR API as a raw ASGI application. Mounted by medconsult.app under /fhir."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from fhir_server import database
from fhir_server.context import Store
from fhir_server.errors import FHIRError
from fhir_server.rest import outcomes, routes, web
from fhir_server.rest.call import Limits
from fhir_server.rest.web import Receive, Request, Response, Scope, Send

Observe = Callable[[str, int, float], None]
"""Told of each answer: method, status, seconds."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_CORS = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist,"
        b" If-None-Match, Prefer, X-Request-Id",
    ),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (b"access-control-expose-headers", b"Content-Location, ETag, Last-Modified, Location, X-Request-Id")
log = structlog.get_logger("fhir")


def _unobserved(method: str, status: int, seconds: float) -> None:
    del method, status, seconds


@dataclass(frozen=True, slots=True)
class FHIR:
    store: Store
    limits: Limits = field(default_factory=Limits)
    mount: str = "/fhir"
    cors_origins: Sequence[str] = ("*",)
    observe: Observe = _unobserved

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        request_id, request, response = "", None, Response(500)
        try:
            request = web.request_line(scope, self.mount)
            request_id = _request_id(request)
            response = await self._answer(request, receive)
        except FHIRError as error:
            response = outcomes.answer(error)
        except Exception as error:
            response = self._failed(error, request_id)
        response.headers.append((b"x-request-id", request_id.encode()))
        if request is not None and "origin" in request.headers:
            response.headers += self._cors(request.headers["origin"])
        await web.respond(send, request, response)
        seconds = time.perf_counter() - started
        self.observe(scope["method"], response.status, seconds)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        if request.method == "OPTIONS":
            return Response(204, b"", list(_CORS))
        if request.method not in _BODILESS:
            body = await web.read_body(receive, request.headers, self.limits.body)
            request = Request(request.method, request.path, request.query, request.headers, body)
        return await database.run(routes.dispatch, self.store, self.limits, request)

    def _failed(self, error: Exception, request_id: str) -> Response:
        expected = outcomes.expected(error)
        if expected is not None:
            return outcomes.answer(expected)
        # The type and the place, never the message: it may hold a patient's words.
        log.error("request.failed", request_id=request_id, error=type(error).__name__, at=_place(error))
        return outcomes.fault(request_id)

    def _cors(self, origin: str) -> list[tuple[bytes, bytes]]:
        if "*" in self.cors_origins:
            return [(b"access-control-allow-origin", b"*"), _EXPOSED]
        if origin in self.cors_origins:
            return [(b"access-control-allow-origin", origin.encode()), (b"vary", b"Origin"), _EXPOSED]
        return []


def _request_id(request: Request) -> str:
    given = request.header("x-request-id")
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""


def create(
    store: Store,
    limits: Limits | None = None,
    *,
    mount: str = "/fhir",
    cors_origins: Sequence[str] = ("*",),
    observe: Observe = _unobserved,
) -> FHIR:
    database.on_event_loop()
    return FHIR(store, limits or Limits(), mount, cors_origins, observe)
