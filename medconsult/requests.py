"""What happens to every request: an id, a line in the log, figures for /metrics."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from functools import cache
from itertools import count
from time import perf_counter

from prometheus_client import Counter, Histogram, values
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medconsult.logs import request_line

# What a client may choose: nothing that could forge a log line or a header.
SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
REQUEST_ID = b"x-request-id"
ONLY_HTTPS = (b"strict-transport-security", b"max-age=31536000")
FHIR = "/fhir"

# Random once for the process, then counted: asking the system at every request costs a system call.
_PROCESS = secrets.token_hex(6).encode()
_numbers = count(1)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# A worker never forks, so its number need not be asked of the system at every figure.
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    _pid = os.getpid()
    values.ValueClass = values.MultiProcessValue(lambda: _pid)  # type: ignore[no-untyped-call]

REQUESTS = Counter("medconsult_requests_total", "Requests answered", ["door", "method", "status"])
SECONDS = Histogram(
    "medconsult_request_seconds",
    "Time until the whole answer was sent",
    ["door", "method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)


@dataclass(frozen=True, slots=True)
class Observed:
    """An ASGI app whose requests are counted, timed and logged under an id."""

    app: ASGIApp
    by_https: bool = False
    """Whether people come by https: browsers are told to come no other way again."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = identify(scope)
        answer = _Answer(send, request_id, self.by_https)
        start = perf_counter()
        try:
            await self.app(scope, receive, answer.send)
        finally:
            note(scope, request_id, answer.status, perf_counter() - start)


@dataclass(slots=True)
class _Answer:
    """Sends on, remembering the status and adding the request's id; 500 until told otherwise."""

    forward: Send
    request_id: bytes
    by_https: bool = False
    status: int = 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            if not any(name == REQUEST_ID for name, _ in headers):
                headers.append((REQUEST_ID, self.request_id))
            if self.by_https:
                headers.append(ONLY_HTTPS)
            message = {**message, "headers": headers}
        await self.forward(message)


def identify(scope: Scope) -> bytes:
    """Return the client's X-Request-Id when it is a sane one; otherwise put a new one in its place."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID and SANE_ID.fullmatch(value):
            return bytes(value)
    made = b"%s-%x" % (_PROCESS, next(_numbers))
    others = [(name, value) for name, value in scope["headers"] if name != REQUEST_ID]
    scope["headers"] = [*others, (REQUEST_ID, made)]
    return made


def note(scope: Scope, request_id: bytes, status: int, seconds: float) -> None:
    """Count and log a request: its path, never its query, which may hold names of people."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    requests, duration = figures_of(door_of(scope["path"]), method, status)
    requests.inc()
    duration.observe(seconds)
    request_line(
        {
            "event": "request",
            "request_id": request_id.decode(),
            "method": method,
            "path": scope["path"][:200],
            "status": status,
            "ms": round(seconds * 1e3, 2),
        }
    )


@cache
def figures_of(door: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(door, method, str(status)), SECONDS.labels(door, method)


def door_of(path: str) -> str:
    """Return which part of the house was asked: a small, fixed set, for labels."""
    if path == FHIR or path.startswith(FHIR + "/"):
        # The discovery documents lie below the base but are the authorization server's.
        return "web" if path.startswith(f"{FHIR}/.well-known/") else "fhir"
    return "web"
