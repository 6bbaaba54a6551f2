"""Authlib's client, which is somebody else's reading of the RFCs, against our token endpoint."""

from __future__ import annotations

import asyncio
import time
import warnings
from typing import Any

import httpx
import pytest
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from tests.smart_auth.tokens.server import CALLBACK, VERIFIER, App, Server, ec, public, rsa

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would rather have httpx2
    from authlib.integrations.httpx_client import AsyncOAuth2Client


def client(server: Server, app: App, **more: Any) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        client_id=app.id,
        client_secret=more.pop("client_secret", app.secret),
        redirect_uri=CALLBACK,
        transport=httpx.ASGITransport(server.web.app),
        **more,
    )


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_it_gets_refreshes_introspects_and_revokes(server: Server, method: str) -> None:
    app = server.app(token_endpoint_auth_method=method)
    root = server.auth.issuer

    async def talk() -> str:
        async with client(server, app, token_endpoint_auth_method=method) as session:
            token = await session.fetch_token(
                f"{root}/auth/token", code=server.code(app), code_verifier=VERIFIER
            )
            assert token["patient"] == "1"
            renewed = await session.refresh_token(f"{root}/auth/token")
            assert renewed["refresh_token"] != token["refresh_token"]
            said = await session.introspect_token(
                f"{root}/auth/introspect", token=renewed["access_token"]
            )
            assert said.json()["active"] is True
            ended = await session.revoke_token(
                f"{root}/auth/revoke", token=renewed["refresh_token"]
            )
            assert ended.status_code == 200
            return str(renewed["access_token"])

    assert server.introspect(app, asyncio.run(talk())) == {"active": False}


@pytest.mark.parametrize(("key", "algorithm"), [(rsa(), "RS384"), (ec(), "ES384")])
def test_it_gets_a_backend_token_by_its_assertion(server: Server, key: Any, algorithm: str) -> None:
    app = server.backend(jwks=public(key))
    url = f"{server.auth.issuer}/auth/token"
    headers = {"kid": key.kid, "typ": "JWT"}
    claims = {"exp": int(time.time()) + 240}  # it would make it an hour

    async def talk() -> dict[str, Any]:
        signing = client(server, app, client_secret=key, token_endpoint_auth_method="proof")
        async with signing as session:
            session.register_client_auth_method(
                ("proof", PrivateKeyJWT(url, claims, headers, algorithm).__call__)
            )
            return dict(
                await session.fetch_token(url, grant_type="client_credentials", scope="system/*.rs")
            )

    assert asyncio.run(talk())["scope"] == "system/*.rs"
