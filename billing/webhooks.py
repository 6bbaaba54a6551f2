"""Where the provider tells what happened: verified on the raw bytes, kept, and only then acknowledged."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from billing import inbox
from billing.payments import Billing
from billing.provider import Unverified

LARGEST = 256 * 1024
SIGNATURES = {"stripe": "stripe-signature", "demo": "demo-signature"}
log = structlog.get_logger("billing")


def routes(billing: Billing) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post(f"/billing/webhooks/{billing.provider.name}")
    async def webhook(request: Request) -> Response:
        body = await request.body()
        if len(body) > LARGEST:
            return Response(status_code=413)
        signature = request.headers.get(SIGNATURES[billing.provider.name], "")
        try:
            event = billing.provider.read(body, signature)
        except Unverified:
            log.warning("webhook.unverified")
            return Response("The signature is not right.", 400)
        if event is not None:
            inbox.put(billing.engine, billing.provider.name, event)
        return Response(status_code=204)

    return router
