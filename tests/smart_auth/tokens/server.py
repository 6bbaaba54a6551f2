"""An authorization server for tests: real database, real keys, the addresses for apps."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import insert, select

from smart_auth import (
    assertions,
    clients,
    grants,
    introspection,
    published_keys,
    registration,
    revocation,
    token_endpoint,
)
from smart_auth.auth import Auth
from smart_auth.clients import Client
from smart_auth.tables import account

CALLBACK = "https://app.example/callback"
VERIFIER = "v" * 43
SCOPE = "launch/patient openid fhirUser offline_access patient/Patient.rs patient/Observation.rs"
MODULES = (token_endpoint, introspection, revocation, registration, published_keys)
FORM = "application/x-www-form-urlencoded"


def challenge(verifier: str) -> str:
    """Return RFC 7636's S256, computed apart from the code under test."""
    hashed = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Web:
    """Sends requests to an application in this process."""

    app: FastAPI
    root: str

    def request(self, method: str, path: str, **sent: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=self.root) as client:
                return await client.request(method, path, **sent)

        return asyncio.run(send())

    def get(self, path: str, **sent: Any) -> httpx.Response:
        return self.request("GET", path, **sent)

    def post(self, path: str, **sent: Any) -> httpx.Response:
        return self.request("POST", path, **sent)


@dataclass(frozen=True, slots=True)
class App:
    """An app as its developer has it."""

    client: Client
    secret: str | None

    @property
    def id(self) -> str:
        return self.client.id

    @property
    def basic(self) -> dict[str, str]:
        pair = f"{self.id}:{self.secret}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}

    @property
    def named(self) -> dict[str, str]:
        """Return how it says who it is: in the body when it has no secret."""
        return {} if self.secret else {"client_id": self.id}

    @property
    def headers(self) -> dict[str, str]:
        return self.basic if self.secret else {}


@dataclass(frozen=True, slots=True)
class Server:
    auth: Auth
    web: Web
    account: str = field(default_factory=lambda: str(uuid.uuid4()))

    def post(self, path: str, form: Mapping[str, str] | str, **headers: str) -> Any:
        body = form if isinstance(form, str) else urlencode(form)
        return self.web.post(path, content=body, headers={"Content-Type": FORM, **headers})

    def app(self, **metadata: Any) -> App:
        said = {"client_name": "An app", "redirect_uris": [CALLBACK], **metadata}
        with self.auth.engine.begin() as connection:
            return App(*clients.register(connection, said))

    def public(self, **metadata: Any) -> App:
        return self.app(token_endpoint_auth_method="none", **metadata)

    def backend(self, **metadata: Any) -> App:
        said = {"grant_types": ["client_credentials"], "scope": "system/*.rs", **metadata}
        return self.app(token_endpoint_auth_method="private_key_jwt", redirect_uris=[], **said)

    def add_account(self, **columns: Any) -> None:
        said = {
            "email": "p@example.org",
            "role": "patient",
            "fhir_user": "Patient/1",
            "name": "Ann",
        }
        with self.auth.engine.begin() as connection:
            connection.execute(insert(account).values(id=self.account, **{**said, **columns}))

    def grant(self, app: App, scope: str = SCOPE, **session: Any) -> str:
        context = {"patient": "1", "encounter": "e1", "need_patient_banner": True}
        with self.auth.engine.begin() as connection:
            return grants.grant(
                connection,
                app.id,
                self.account,
                scope,
                context,
                authenticated=datetime(2026, 1, 2, tzinfo=UTC),
                **session,
            )

    def code(self, app: App, scope: str = SCOPE, lifetime: int = 60, **session: Any) -> str:
        given = self.grant(app, scope, **session)
        with self.auth.engine.begin() as connection:
            return grants.issue_code(
                connection, given, CALLBACK, challenge(VERIFIER), "n-1", lifetime
            )

    def exchange(self, app: App, code: str, **changed: str | None) -> Any:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **app.named,
            **changed,
        }
        sent = {name: value for name, value in form.items() if value is not None}
        return self.post("/auth/token", sent, **app.headers)

    def tokens(self, app: App, scope: str = SCOPE, **session: Any) -> dict[str, Any]:
        answer = self.exchange(app, self.code(app, scope, **session))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refresh(self, app: App, token: str, **more: str) -> Any:
        form = {"grant_type": "refresh_token", "refresh_token": token, **app.named, **more}
        return self.post("/auth/token", form, **app.headers)

    def introspect(self, app: App, token: str) -> dict[str, Any]:
        answer = self.post("/auth/introspect", {"token": token, **app.named}, **app.headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def backend_token(self, assertion: str, scope: str = "system/*.rs", **more: str) -> Any:
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": assertions.TYPE,
            "client_assertion": assertion,
            **more,
        }
        return self.post("/auth/token", form)

    def count(self, table: Any) -> int:
        with self.auth.engine.connect() as connection:
            return len(connection.execute(select(table)).all())


def web_of(auth: Auth) -> Web:
    app = FastAPI()
    for module in MODULES:
        app.include_router(module.routes(auth))
    return Web(app, auth.issuer)


def rsa(kid: str = "r1") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid}, auto_kid=False)


def ec(kid: str = "e1") -> ECKey:
    return ECKey.generate_key("P-384", {"kid": kid}, auto_kid=False)


def public(*keys: RSAKey | ECKey) -> dict[str, Any]:
    return {"keys": [dict(key.as_dict(private=False)) for key in keys]}


def claims(auth: Auth, client_id: str, **changed: Any) -> dict[str, Any]:
    said = {
        "iss": client_id,
        "sub": client_id,
        "aud": auth.token_url,
        "exp": int(time.time()) + 240,
        "jti": str(uuid.uuid4()),
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


def sign(key: Any, said: Mapping[str, Any], algorithm: str = "", **header: Any) -> str:
    """Return a JWT as somebody makes it who heeds no rule of the library."""
    alg = algorithm or ("RS384" if key.key_type == "RSA" else "ES384")
    head = {"alg": alg, "kid": key.kid, "typ": "JWT", **header}
    kept = {name: value for name, value in head.items() if value is not None}
    signed = f"{b64(kept)}.{b64(said)}"
    signature = jws.JWSRegistry.algorithms[alg].sign(signed.encode(), key)
    return f"{signed}.{encoded(signature)}"


def b64(content: Mapping[str, Any]) -> str:
    return encoded(json.dumps(dict(content)).encode())


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
