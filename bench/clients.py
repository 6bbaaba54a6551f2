"""A lean HTTP/1.1 client: prepared requests over connections that stay open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any


def request(method: str, path: str, body: bytes = b"", port: int = 0) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    if body:
        head += f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def send(port: int, requests: Sequence[bytes], connections: int = 1) -> list[tuple[int, bytes]]:
    """Send all; returns status and body of each, in no order when there are several connections."""
    return asyncio.run(_send(port, iter(requests), connections))


async def _send(port: int, requests: Iterator[bytes], connections: int) -> list[tuple[int, bytes]]:
    answers: list[tuple[int, bytes]] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_connection(port, requests, answers))
    return answers


async def _connection(
    port: int, requests: Iterator[bytes], answers: list[tuple[int, bytes]]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
    for each in requests:
        writer.write(each)
        head = await reader.readuntil(b"\r\n\r\n")
        size = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        answers.append((int(head[9:12]), await reader.readexactly(int(size or 0))))
    writer.close()


def decoded(answer: tuple[int, bytes]) -> Any:
    return json.loads(answer[1])


def must_be(status: int, answers: Sequence[tuple[int, bytes]]) -> None:
    """A benchmark of refusals would be fast and worthless."""
    other = [answer for answer in answers if answer[0] != status]
    if other:
        raise SystemExit(f"{len(other)} of {len(answers)} answers are not {status}: {other[0]}")
