"""A scanner of others stands between what is uploaded and what is kept."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator

import pytest

from ui import scanning, uploads

PDF = b"%PDF-1.4 " + b"x" * 200_000


class Daemon(socketserver.StreamRequestHandler):
    """Speaks clamd's INSTREAM; what holds EICAR is harmful."""

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        content = b""
        while length := struct.unpack("!L", self.rfile.read(4))[0]:
            content += self.rfile.read(length)
        found = b"stream: Eicar-Test FOUND\0" if b"EICAR" in content else b"stream: OK\0"
        self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0" if b"LARGE" in content else found)


@pytest.fixture
def daemon() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Daemon) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_what_is_harmless_passes_whole(daemon: str) -> None:
    assert uploads.accepted(PDF, daemon).content == PDF
    assert uploads.accepted(PDF).content == PDF


@pytest.mark.parametrize(("word", "said"), [(b"EICAR", "harmful"), (b"LARGE", "cannot be checked")])
def test_what_is_not_is_refused(daemon: str, word: bytes, said: str) -> None:
    with pytest.raises(uploads.Unacceptable, match=said):
        uploads.accepted(PDF + word, daemon)


def test_without_an_answer_nothing_is_taken() -> None:
    with pytest.raises(uploads.Unacceptable, match="cannot be checked"):
        uploads.accepted(PDF, "127.0.0.1:9")
    with pytest.raises(scanning.Unscanned):
        scanning.scan("127.0.0.1:9", PDF)
