"""The FHIR API as a raw ASGI application. Mounted by medconsult.app under /fhir."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from fhir_server import database
from fhir_server.access.principal import OPEN, Principal
from fhir_server.context import Store
from fhir_server.errors import FHIRError, Unauthorized
from fhir_server.rest import audited, outcomes, routes, web
from fhir_server.rest.call import Limits
from fhir_server.rest.web import Receive, Request, Response, Scope, Send

_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_CORS_HEADERS = (
    b"Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist, "
    b"If-None-Match, Prefer, X-Provenance, X-Request-Id"
)
_CORS = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        _CORS_HEADERS,
    ),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (
    b"access-control-expose-headers",
    b"Content-Location, ETag, Last-Modified, Location, WWW-Authenticate, X-Request-Id",
)
log = structlog.get_logger("fhir")

UNKNOWN = Principal("unknown")
Authenticate = Callable[[Request], Principal]
"""Tells who sent a request; raises Unauthorized when nobody knows."""


def everyone(_: Request) -> Principal:
    """Let everyone do everything: the sandbox."""
    return OPEN


@dataclass(frozen=True, slots=True)
class FHIR:
    store: Store
    limits: Limits = field(default_factory=Limits)
    mount: str = "/fhir"
    cors_origins: Sequence[str] = ("*",)
    authenticate: Authenticate = everyone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request: Request | None = None
        try:
            request = web.request_line(scope, self.mount)
            response = await self._answer(request, receive)
        except FHIRError as error:
            response = outcomes.answer(error)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is gets an answer
            response = _failed(error, request)
        if request is not None and "origin" in request.headers:
            response.headers += self._cors(request.headers["origin"])
        await web.respond(send, request, response)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        if request.method == "OPTIONS":
            return Response(204, b"", list(_CORS))
        if request.method not in _BODILESS:
            # Nobody unknown gets a large body read.
            principal = await database.run(self._who, request)
            body = await web.read_body(receive, request.headers, self.limits.body)
            request = replace(request, body=body)
            return await database.run(self._for, principal, request)
        return await database.run(self._asked, request)

    def _asked(self, request: Request) -> Response:
        return self._for(self._who(request), request)

    def _who(self, request: Request) -> Principal:
        """Return who asks; that nobody knows is noted as well."""
        try:
            return self.authenticate(request)
        except Unauthorized as refusal:
            store = self.store.acting(UNKNOWN)
            if store.access is not None:
                audited.asked(store.access, request)
            store.end(refusal.status)
            raise

    def _for(self, principal: Principal, request: Request) -> Response:
        return routes.dispatch(self.store.acting(principal), self.limits, request)

    def _cors(self, origin: str) -> list[tuple[bytes, bytes]]:
        if "*" in self.cors_origins:
            return [(b"access-control-allow-origin", b"*"), _EXPOSED]
        if origin in self.cors_origins:
            return [
                (b"access-control-allow-origin", origin.encode()),
                (b"vary", b"Origin"),
                _EXPOSED,
            ]
        return []


def _failed(error: Exception, request: Request | None) -> Response:
    expected = outcomes.expected(error)
    if expected is not None:
        return outcomes.answer(expected)
    request_id = request.header("x-request-id") if request else ""
    # The type and the place, never the message: it may hold a patient's words.
    log.error("request.failed", request_id=request_id, error=type(error).__name__, at=_place(error))
    return outcomes.fault(request_id)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
    )


def create(
    store: Store,
    limits: Limits | None = None,
    *,
    mount: str = "/fhir",
    cors_origins: Sequence[str] = ("*",),
    authenticate: Authenticate = everyone,
) -> FHIR:
    database.on_event_loop()
    return FHIR(store, limits or Limits(), mount, cors_origins, authenticate)
