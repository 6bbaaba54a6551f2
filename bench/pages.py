"""`make bench-pages`: how long a page of the portal takes, on the demo's data, and how large it is."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from statistics import median

import httpx

from bench.servers import PROGRAM, free_port, started
from medconsult.embedded import cluster_in

GOAL_MS, GOAL_KB = 30, 100
ASKED = 25
PAGES: Mapping[str, Sequence[str]] = {
    "": ("/", "/doctors", "/doctors/demo-osei-video"),
    "anna@demo.example": (
        *("/home", "/visits", "/visits/demo-anna-next", "/documents", "/prescriptions"),
        *("/doctors/demo-osei-video/wait", "/profile", "/settings"),
    ),
    "osei@demo.example": ("/day", "/week", "/patients", "/patients/demo-anna", "/hours"),
    "admin@demo.example": ("/admin", "/admin/visits", "/admin/payments", "/admin/accounts"),
}
"""By the address of who asks; "" for a visitor."""


def main() -> None:
    print(f"p50 of {ASKED}, one worker; goals {GOAL_MS} ms and {GOAL_KB} kB\n")
    print("| who | page | ms | kB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with demo(Path(folder)) as (url, password):
            for email, paths in PAGES.items():
                with signed_in(url, email, password) as client:
                    for path in paths:
                        milliseconds, size = timed(client, path)
                        print(
                            f"| {email or 'visitor'} | `{path}` | {milliseconds:.0f} | {size:.1f} |"
                        )


def timed(client: httpx.Client, path: str) -> tuple[float, float]:
    """Return the median of milliseconds from request to answer, and the page's kB."""
    taken = []
    for _ in range(ASKED + 5):
        began = time.perf_counter()
        answer = client.get(path)
        taken.append(1000 * (time.perf_counter() - began))
        answer.raise_for_status()
    return median(taken[5:]), len(answer.content) / 1000


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, str]]:
    """Run a new demo; gives its address and the password of its people."""
    port = free_port()
    environment = os.environ | {
        "MEDCONSULT_DATA_DIR": str(folder / "var"),
        "MEDCONSULT_DEMO": "true",
    }
    command = [str(PROGRAM), "serve", "--workers", "1", "--port", str(port)]
    try:
        with started(folder, command, environment, port):
            url = f"http://127.0.0.1:{port}"
            yield url, _password(url, folder / f"{port}.log")
    finally:
        cluster_in(folder / "var").stop()


def _password(url: str, output: Path) -> str:
    """Wait until times can be booked; returns the password that was printed."""
    for _ in range(600):
        found = re.search(r"their password\s+(\S+)", output.read_text())
        if found and "Next free" in httpx.get(f"{url}/doctors").text:
            return found[1]
        time.sleep(0.2)
    raise SystemExit("The demo did not start.")


@contextmanager
def signed_in(url: str, email: str, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as client:
        if email:
            page = client.get("/auth/login").text
            found = re.search(r'name="csrf" value="([^"]*)"', page)
            csrf = unescape(found[1]) if found else ""
            sent = {"csrf": csrf, "next": "/", "email": email, "password": password}
            if client.post("/auth/login", data=sent).status_code != 303:
                raise SystemExit(f"{email} cannot sign in.")
        yield client


if __name__ == "__main__":
    main()
