"""One worker: serves the socket it inherits, and ends when the one that started it does."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

import uvicorn

PR_SET_PDEATHSIG = 1
GRACE_S = 10


def serve(socket_number: int, starter: int) -> None:
    end_with(starter)
    # uvicorn ends in order and then raises the signal again, which by default would end the process
    # there and then: what is to be done at exit (the audit's last rows) would be left out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listening = socket.socket(fileno=socket_number)
    uvicorn.Server(
        uvicorn.Config(
            "medconsult.app:app_from_environment",
            factory=True,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_S,
        )
    ).run(sockets=[listening])


def end_with(starter: int) -> None:
    """Killed like its starter, so that the port is free for the next start."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != starter:
        sys.exit(1)


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
