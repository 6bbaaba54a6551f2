"""Asks a ClamAV daemon whether a file is harmful: clamd's INSTREAM, https://docs.clamav.net/manual/Usage/Scanning.html."""

from __future__ import annotations

import socket
import struct

CHUNK = 64 * 1024
TIMEOUT_S = 30.0


class Harmful(Exception):
    """The daemon has found something; its name."""


class Unscanned(Exception):
    """The daemon did not say."""


def scan(address: str, content: bytes) -> None:
    """Return when the content is harmless; address is host:port. Raises Harmful or Unscanned."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                part = content[start : start + CHUNK]
                connection.sendall(struct.pack("!L", len(part)) + part)
            connection.sendall(struct.pack("!L", 0))
            answer = _answer(connection)
    except OSError as error:
        raise Unscanned(str(error)) from error
    if answer.endswith(" FOUND"):
        raise Harmful(answer.removeprefix("stream: ").removesuffix(" FOUND"))
    if answer != "stream: OK":
        raise Unscanned(answer)


def _answer(connection: socket.socket) -> str:
    found = bytearray()
    while not found.endswith(b"\0") and (part := connection.recv(1024)):
        found += part
    return found.rstrip(b"\0\n").decode(errors="replace")
