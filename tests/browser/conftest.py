"""A real server with demo records, a real Chromium, and a site on which an app of somebody else runs."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
COMMAND = str(Path(sys.executable).with_name("medconsult"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LIBRARY = HERE / "library" / "fhir-client.min.js"


def require(available: object, what: str) -> None:
    """Skip where a part is missing, with how to get it."""
    if not available:
        pytest.skip(
            f"{what} is missing: make browser (apt-get install chromium; npm for a library)"
        )


@dataclass(frozen=True, slots=True)
class Site:
    """A running server with its demo accounts."""

    url: str
    password: str
    folder: Path

    def command(self, *arguments: str, said: str = "") -> str:
        """Run a command beside the server; returns what it prints."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env=os.environ | {"MEDCONSULT_DATA_DIR": str(self.folder / "var")},
            cwd=self.folder,
            input=said,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    output = folder / "output.txt"
    with output.open("w") as written:
        program = subprocess.Popen(
            [COMMAND, "serve", "--port", "0", "--workers", "1"],
            env=os.environ | {"MEDCONSULT_DATA_DIR": str(folder / "var")},
            cwd=folder,
            stdout=written,
            stderr=written,
        )
    try:
        url = _address(program, output)
        password = re.search(r"their password\s+(\S+)", output.read_text())
        assert password
        yield Site(url, password[1], folder)
    finally:
        program.terminate()
        program.wait(30)


def _address(program: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert program.poll() is None, output.read_text()
        if printed := re.search(r"(http://\S+)/fhir\n", output.read_text()):
            with suppress(httpx.TransportError):
                if httpx.get(printed[1] + "/readyz").status_code == 200:
                    return printed[1]
        time.sleep(0.1)
    raise AssertionError(output.read_text())


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """Give a Chromium of this test alone: Playwright's loop would be in the way of others' loops."""
    require(CHROMIUM, "Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Give a fresh browser; whatever it writes to its console as an error fails the test."""
    context = chromium.new_context()
    made = context.new_page()
    errors: list[str] = []
    made.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    made.on("pageerror", lambda error: errors.append(str(error)))
    yield made
    context.close()
    # Chromium writes down every answer that is no success; a refusal may be what a test is about.
    assert [said for said in errors if "status of 403" not in said] == []


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="session")
def other_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a site with an app that uses the SMART library `fhirclient`."""
    require(LIBRARY.exists(), "fhirclient")
    folder = tmp_path_factory.mktemp("app")
    for file in (*(HERE / "app").iterdir(), LIBRARY):
        shutil.copy(file, folder)
    serve = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
