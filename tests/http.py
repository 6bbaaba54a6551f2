"""A plain client that drives the ASGI application in this process, without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import unquote

from fhir_server.rest.app import FHIR

T = TypeVar("T")
FHIR_JSON = "application/fhir+json"
Content = Mapping[str, Any] | list[Any] | bytes | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def issues(self) -> list[dict[str, Any]]:
        """Return the issues of the OperationOutcome that the body has to be."""
        outcome = self.json
        assert outcome["resourceType"] == "OperationOutcome", outcome
        issues: list[dict[str, Any]] = outcome["issue"]
        assert issues, "an outcome without issue says nothing"
        return issues

    @property
    def codes(self) -> list[str]:
        return [issue["code"] for issue in self.issues]

    @property
    def paths(self) -> list[str]:
        return [path for issue in self.issues for path in issue.get("expression", [])]

    @property
    def said(self) -> str:
        return " ".join(issue["diagnostics"] for issue in self.issues)

    @property
    def id(self) -> str:
        return str(self.json["id"])


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests to one application; paths are below the FHIR base, query included."""

    app: FHIR
    runner: asyncio.Runner

    def send(
        self, method: str, path: str, body: Content = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self.run(self.sending(method, path, body, headers))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def all(self, requests: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
        """Send the requests at the same time."""

        async def gather() -> list[Answer]:
            return list(await asyncio.gather(*requests))

        return self.run(gather())

    async def sending(
        self, method: str, path: str, body: Content = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if body is not None:
            given.setdefault("content-type", FHIR_JSON)
        return await exchange(self.app, method, path, encoded(body), given)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, headers=named(headers))

    def head(self, path: str, **headers: str) -> Answer:
        return self.send("HEAD", path, headers=named(headers))

    def post(self, path: str, body: Content = None, **headers: str) -> Answer:
        return self.send("POST", path, body, named(headers))

    def put(self, path: str, body: Content, **headers: str) -> Answer:
        return self.send("PUT", path, body, named(headers))

    def patch(self, path: str, body: Content, **headers: str) -> Answer:
        given = named(headers)
        if isinstance(body, list):
            given.setdefault("content-type", "application/json-patch+json")
        return self.send("PATCH", path, body, given)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.send("DELETE", path, headers=named(headers))

    def transaction(self, *entries: Mapping[str, Any], **headers: str) -> Answer:
        return self.post("", a_bundle("transaction", *entries), **headers)

    def batch(self, *entries: Mapping[str, Any], **headers: str) -> Answer:
        return self.post("", a_bundle("batch", *entries), **headers)

    def stored(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Store a resource, under its own id when it has one; returns it as it was stored."""
        kind, id_ = resource["resourceType"], resource.get("id")
        path = f"{kind}/{id_}" if id_ else kind
        answer = self.send("PUT" if id_ else "POST", path, resource)
        assert answer.status in (200, 201), answer.body
        found: dict[str, Any] = answer.json
        return found

    def total_versions(self) -> int:
        """Count what was ever written: a refused request leaves it as it was."""
        return len(self.get("_history?_count=1000").json.get("entry", []))


def a_bundle(kind: str, *entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(
    method: str,
    url: str,
    resource: Mapping[str, Any] | None = None,
    full_url: str | None = None,
    **request: str,
) -> dict[str, Any]:
    """Make an entry of a batch or transaction; request holds ifMatch, ifNoneExist and so on."""
    stated: dict[str, Any] = {"fullUrl": full_url} if full_url else {}
    if resource is not None:
        stated["resource"] = resource
    return {**stated, "request": {"method": method, "url": url, **request}}


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """Turn if_none_match="*" into the header of that name."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def encoded(body: Content) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    return json.dumps(body, default=str).encode()


async def exchange(
    app: FHIR, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    """Send one request as an ASGI server would: the path without its percent signs."""
    address, _, query = path.partition("?")
    raw = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
    scope = {
        "type": "http",
        "method": method,
        "path": f"/fhir/{unquote(address)}",
        "raw_path": f"/fhir/{address}".encode("utf-8", "replace"),
        "query_string": query.encode("utf-8", "surrogatepass"),
        "headers": raw,
    }
    messages: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    started, ended = messages
    names = {name.decode(): value.decode("latin-1") for name, value in started["headers"]}
    return Answer(started["status"], names, ended["body"])
