"""/demo/app: a small SMART app to try a launch with, in demo mode only. Its code is static/demo-app.js."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from smart_auth.auth import Auth
from smart_auth.pages import render

PATH = "/demo/app"
CLIENT_ID = "demo-app"
SCOPE = "launch launch/patient openid fhirUser offline_access patient/*.rs"


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    if not auth.options.demo:
        return router

    @router.get(PATH)
    def show(request: Request) -> Response:
        return render(request, "demo_app.html", fhir=auth.fhir, client_id=CLIENT_ID, scope=SCOPE)

    return router
