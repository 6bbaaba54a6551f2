"""A running server with the demo practice, and people who are signed in to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import httpx
import pytest

from medconsult.embedded import cluster_in
from tests.medconsult.test_serve import Server

EMAILS = {
    "patient": "anna@demo.example",
    "carer": "elif@demo.example",
    "practitioner": "osei@demo.example",
    "administrator": "admin@demo.example",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser without scripts: follows no redirect, sends back what a page's forms hold."""

    client: httpx.Client

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def csrf(self, path: str) -> str:
        found = re.search(r'name="csrf" value="([^"]*)"', self.get(path).text)
        return unescape(found[1]) if found else ""

    def post(self, path: str, page: str, **fields: str) -> httpx.Response:
        """Send a form of the page."""
        return self.client.post(path, data={"csrf": self.csrf(page), **fields})


@dataclass(frozen=True, slots=True)
class Portal:
    server: Server
    password: str
    clients: list[httpx.Client]

    def visitor(self) -> Visitor:
        self.clients.append(httpx.Client(base_url=self.server.url, timeout=30))
        return Visitor(self.clients[-1])

    def signed(self, role: str) -> Visitor:
        visitor = self.visitor()
        sent = {"email": EMAILS[role], "password": self.password}
        assert visitor.post("/auth/login", "/auth/login", next="/", **sent).status_code == 303
        return visitor


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("portal")
    server = Server(folder, "--workers", "1", MEDCONSULT_DEMO="true")
    assert server.url
    password = re.search(r"their password\s+(\S+)", server.output.read_text())
    assert password
    server.wait_for(lambda: "free" in httpx.get(f"{server.url}/doctors").text or None)
    clients: list[httpx.Client] = []
    yield Portal(server, password[1], clients)
    for each in clients:
        each.close()
    server.program.terminate()
    server.program.wait(30)
    cluster_in(folder / "var").stop()


@pytest.fixture(scope="session")
def people(portal: Portal) -> dict[str, Visitor]:
    return {role: portal.signed(role) for role in EMAILS}
