"""A whole server in this process, a browser with cookies, and an app that launches."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

ROOT = "http://server.test"
FHIR = f"{ROOT}/fhir"
PASSWORD = "violet anchor teapot"
CALLBACK = "https://app.example/callback"
ONWARDS = re.compile(r'<meta http-equiv="refresh" content="0;url=([^"]*)">')
TICK = re.compile(r'<input type="checkbox" name="scope" value="([^"]*)"( checked)?>')


@dataclass(slots=True)
class Browser:
    """Follows redirects within the server and stops at those that leave it."""

    app: Any
    runner: asyncio.Runner
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)

    def send(self, method: str, url: str, **sent: Any) -> httpx.Response:
        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url=ROOT, cookies=self.cookies
            ) as client:
                answer = await client.request(method, url, **sent)
                self.cookies = client.cookies
                return answer

        return self.runner.run(exchange())

    def get(self, url: str, **sent: Any) -> httpx.Response:
        """Go to an address, and on to where it leads on this server."""
        answer = self.send("GET", url, **sent)
        while answer.is_redirect and not leaves(answer):
            answer = self.send("GET", answer.headers["location"])
        return answer

    def post(self, url: str, fields: Sequence[tuple[str, str]], **sent: Any) -> httpx.Response:
        """Send a form and go on to where it leads on this server."""
        head = {"content-type": "application/x-www-form-urlencoded", **sent.pop("headers", {})}
        answer = self.send("POST", url, content=urlencode(fields), headers=head, **sent)
        while answer.is_redirect and not leaves(answer):
            answer = self.send("GET", answer.headers["location"])
        return answer

    def sign_in(self, page: httpx.Response, email: str) -> httpx.Response:
        """Fill in the sign-in page; returns the page behind it."""
        fields = hidden(page) | {"email": email, "password": PASSWORD}
        answer = self.post("/auth/login", list(fields.items()))
        onwards = ONWARDS.search(answer.text)
        return self.get(unescape(onwards[1])) if onwards else answer


def leaves(answer: httpx.Response) -> bool:
    """Tell whether a redirect goes to another site."""
    parts = urlsplit(answer.headers["location"])
    return bool(parts.netloc) and f"{parts.scheme}://{parts.netloc}" != ROOT


def hidden(page: httpx.Response) -> dict[str, str]:
    """Return the hidden fields of a page's last form."""
    assert page.status_code == 200, page.text
    return _fields(page.text.rpartition("<form")[2])


def hidden_of(page: httpx.Response, name: str) -> dict[str, str]:
    """Return the hidden fields of the first form that has one of the name."""
    forms = page.text.split("<form")[1:]
    return _fields(next(form for form in forms if f'name="{name}"' in form))


def _fields(form: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: unescape(value) for name, value in found}


def boxes(page: httpx.Response) -> dict[str, bool]:
    """Return the scopes that a consent page offers, and whether they are ticked."""
    return {unescape(scope): bool(ticked) for scope, ticked in TICK.findall(page.text)}


def allow(
    browser: Browser, page: httpx.Response, ticked: Sequence[str] | None = None
) -> dict[str, str]:
    """Allow what is ticked, by default what the page ticks; returns what the app is told."""
    chosen = [name for name, on in boxes(page).items() if on] if ticked is None else ticked
    fields = [*hidden(page).items(), *(("scope", each) for each in chosen), ("decision", "allow")]
    return told(browser.post("/auth/consent", fields))


def told(answer: httpx.Response) -> dict[str, str]:
    """Return the parameters that the app is redirected to."""
    assert answer.status_code == 303, (answer.status_code, answer.text)
    assert answer.headers["location"].startswith(CALLBACK), answer.headers["location"]
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


@dataclass(slots=True)
class App:
    """An app with a client_id, and a secret or none."""

    browser: Browser
    client_id: str
    secret: str = ""
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def request(self, scope: str, **changed: str) -> dict[str, str]:
        """Return the parameters of an authorization request; a change of "" leaves one out."""
        hashed = hashlib.sha256(self.verifier.encode()).digest()
        stated = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": scope,
            "state": "s-1",
            "aud": FHIR,
            "code_challenge": base64.urlsafe_b64encode(hashed).decode().rstrip("="),
            "code_challenge_method": "S256",
            **changed,
        }
        return {name: value for name, value in stated.items() if value}

    def begin(self, scope: str, **changed: str) -> httpx.Response:
        """Send the browser to authorize; returns the page it ends at."""
        return self.browser.get(f"/auth/authorize?{urlencode(self.request(scope, **changed))}")

    def exchange(self, code: str, **changed: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
            **changed,
        }
        return self.token(form)

    def token(self, form: Mapping[str, str]) -> httpx.Response:
        stated = dict(form) if self.secret else {"client_id": self.client_id, **form}
        login = (self.client_id, self.secret) if self.secret else None
        return self.browser.send("POST", "/auth/token", data=stated, auth=login)

    def fhir(self, path: str, token: str) -> httpx.Response:
        return self.browser.send(
            "GET", f"/fhir/{path}", headers={"authorization": f"Bearer {token}"}
        )
