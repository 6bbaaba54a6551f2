"""What stands in a demo where others come in: the checkout, which takes no money, and the video room."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from billing import inbox, payments
from billing.demo_provider import PATH, DemoProvider
from billing.provider import Kind, Payment
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from ui.pages import show
from ui.portal import Portal, found, missing

Sent = Annotated[Form, Depends(form)]
ANSWERS: dict[str, Kind] = {"pay": "paid", "decline": "failed"}


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    if portal.auth.options.demo:
        _add_places(router, portal)
    provider = portal.billing.provider
    if not isinstance(provider, DemoProvider):
        return router

    @router.get(f"{PATH}/{{id_}}")
    @worded
    def checkout(request: Request, id_: str) -> Response:
        signed = sessions.required(portal.auth, request)
        payment = _payment(portal, signed, id_)
        back = _back(portal, request.query_params.get("back", ""))
        return show(
            portal, request, signed, "demo_checkout.html", {"payment": payment, "back": back}
        )

    @router.post(f"{PATH}/{{id_}}")
    @worded
    def answer(request: Request, id_: str, form: Sent) -> Response:
        signed = sessions.own_form(portal.auth, request, form)
        kind = ANSWERS.get(form.get("answer", ""), "failed")
        body, signature = provider.tell(_payment(portal, signed, id_), kind)
        event = provider.read(body, signature)
        if event is not None:
            inbox.put(portal.billing.engine, provider.name, event)
            while payments.apply_next(portal.billing):
                pass
        back = _back(portal, form.get("back", ""))
        return RedirectResponse(f"{back}?paid={int(kind == 'paid')}", 303)

    return router


def _add_places(router: APIRouter, portal: Portal) -> None:
    @router.get("/demo/room/{name}")
    def room(request: Request, name: str) -> Response:
        """Stand where a practice's video service would."""
        signed = sessions.required(portal.auth, request)
        return show(portal, request, signed, "demo_room.html", {"name": name})

    @router.get("/styleguide")
    def styleguide(request: Request) -> Response:
        """Show each component."""
        signed = sessions.current(portal.auth, request)
        errors = {"wrong": "What is wrong, and what to write instead."}
        return show(portal, request, signed, "styleguide.html", {"errors": errors})


def _payment(portal: Portal, signed: Signed, id_: str) -> Payment:
    """Return the payment, if the visit is one that they may see."""
    with portal.billing.engine.connect() as connection:
        payment = payments.one(connection, id_)
    if payment is None:
        raise missing()
    found(portal, signed, "Appointment", payment.appointment)
    return payment


def _back(portal: Portal, text: str) -> str:
    """Return the path of this server to go back to."""
    return sessions.local(text.removeprefix(portal.auth.issuer), "/visits")
