"""/demo/mail: the messages that would be sent, in demo mode only."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from fhir_server.channels import mail
from smart_auth.auth import Auth
from smart_auth.pages import Stop, render, worded
from smart_auth.wording import later

SHOWN = 50


def routes(auth: Auth) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/demo/mail")
    @worded
    def mails(request: Request) -> Response:
        if not auth.options.demo:
            raise Stop(
                404, later("There is nothing here"), later("Messages are shown in demo mode only.")
            )
        with auth.engine.connect() as connection:
            newest = mail.newest(connection, SHOWN)
        return render(request, "demo_mail.html", mails=newest)

    return router
