"""GET /auth/jwks: the public keys that our tokens are verified by, RFC 7517."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from smart_auth import endpoints
from smart_auth.auth import Auth

_KEPT = {"Cache-Control": "public, max-age=300"}


def routes(auth: Auth) -> APIRouter:
    def answer(*_: object) -> Response:
        return JSONResponse(auth.keys.jwks(), headers=_KEPT)

    router = APIRouter()
    endpoints.add(router, auth, "/auth/jwks", {"GET": (endpoints.nothing, answer)})
    return router
