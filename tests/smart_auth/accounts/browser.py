"""A browser of the smallest kind: keeps cookies, fills the forms of a page, sends Origin as browsers do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
from fastapi import FastAPI

from smart_auth.app import router
from smart_auth.auth import Auth

HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
LINK = re.compile(r"https?://\S+/auth/\w+\?token=\S+")


@dataclass(slots=True)
class Browser:
    auth: Auth
    address: str = "203.0.113.7"
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    app: FastAPI | None = None

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request; redirects are for the test to follow."""
        return asyncio.run(self._send(method, path, options))

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        if self.app is None:
            self.app = FastAPI()
            self.app.include_router(router(self.auth))
        transport = httpx.ASGITransport(self.app, client=(self.address, 1234))
        async with httpx.AsyncClient(
            transport=transport, base_url=self.auth.issuer, cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, **options)
            self.cookies = client.cookies
        return answer

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, form: Mapping[str, str], **options: Any) -> httpx.Response:
        """Send a form as it is, without what a page would add."""
        return self.send("POST", path, data=dict(form), **options)

    def json(self, path: str, content: Mapping[str, Any], **options: Any) -> httpx.Response:
        return self.send("POST", path, json=dict(content), **options)

    def submit(self, path: str, form: Mapping[str, str], to: str = "") -> httpx.Response:
        """Open the page, fill in its form and send it."""
        page = self.get(path)
        assert page.status_code == 200, page.text
        return self.post(to or path.partition("?")[0], {**hidden(page.text), **form})

    def sign_in(self, email: str, password: str, **more: str) -> httpx.Response:
        return self.submit("/auth/login", {"email": email, "password": password, **more})

    @property
    def session(self) -> str | None:
        return self.cookies.get("session") or self.cookies.get("__Host-session")


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of a page; of a name that comes twice the last one."""
    return {unescape(name): unescape(value) for name, value in HIDDEN.findall(page)}


def link_in(text: str) -> str:
    """Return the path of the link that a mail holds."""
    found = LINK.search(text)
    assert found, text
    return found.group()[found.group().index("/auth/") :]
