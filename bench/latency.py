"""One connection, one request after the other, each with its time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median, quantiles

from bench.clients import request


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer."""

    status: int
    body: bytes
    seconds: float
    """From before the request was sent until the last byte was there."""


@dataclass(slots=True)
class Line:
    """A connection that stays open."""

    port: int
    socket: socket.socket

    def get(self, path: str) -> Timed:
        sent = request("GET", path, port=self.port)
        began = time.perf_counter()
        self.socket.sendall(sent)
        head, _, body = self._receive().partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        parts, missing = [body], size - len(body)
        while missing > 0:
            parts.append(self.socket.recv(1 << 20))
            missing -= len(parts[-1]) or missing
        return Timed(int(head[9:12]), b"".join(parts), time.perf_counter() - began)

    def _receive(self) -> bytes:
        """Return what has come when the head is complete."""
        found = b""
        while b"\r\n\r\n" not in found:
            more = self.socket.recv(1 << 20)
            if not more:
                raise SystemExit(f"The server on port {self.port} hung up.")
            found += more
        return found


def line(port: int) -> Line:
    opened = socket.create_connection(("127.0.0.1", port), 60)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Line(port, opened)


def each(connection: Line, paths: Iterable[str]) -> Iterator[Timed]:
    return (connection.get(path) for path in paths)


def p50(timed: list[Timed]) -> float:
    """Return milliseconds."""
    return median(one.seconds for one in timed) * 1e3


def p95(timed: list[Timed]) -> float:
    """Return milliseconds."""
    return quantiles([one.seconds for one in timed], n=20, method="inclusive")[-1] * 1e3
