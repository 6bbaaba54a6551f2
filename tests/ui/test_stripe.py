"""A visit paid by Stripe through the portal: while Stripe is away, when it is back, and by its webhook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from medconsult.embedded import cluster_in
from tests.billing.stripe_server import SECRET, Stripe, running, webhook
from tests.medconsult.test_mailing import free_port
from tests.medconsult.test_serve import Server
from tests.ui.conftest import Portal
from tests.ui.test_kill import book


@pytest.fixture
def stripe_port() -> int:
    return free_port()


@pytest.fixture
def portal(tmp_path: Path, stripe_port: int) -> Iterator[Portal]:
    settings = {
        "MEDCONSULT_DEMO": "true",
        "MEDCONSULT_STRIPE_SECRET_KEY": "sk_test_x",
        "MEDCONSULT_STRIPE_WEBHOOK_SECRET": SECRET,
        "MEDCONSULT_STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
    }
    server = Server(tmp_path, "--workers", "1", **settings)
    assert server.url
    password = re.search(r"their password\s+(\S+)", server.output.read_text())
    assert password
    made = Portal(server, password[1], [])
    page = "/doctors/demo-berg-video"
    server.wait_for(lambda: "/book/" in made.visitor().get(page).text or None)
    yield made
    for each in made.clients:
        each.close()
    server.program.terminate()
    server.program.wait(30)
    cluster_in(tmp_path / "var").stop()


def test_while_the_provider_is_away_the_time_is_held_and_it_is_paid_when_it_is_back(
    portal: Portal, stripe_port: int
) -> None:
    patient = portal.signed("patient")
    visit = book(portal, patient)
    away = patient.post(f"{visit}/pay", visit)
    assert away.status_code == 503
    assert "Your time is still held" in away.text
    with running(stripe_port) as stripe:
        lead = patient.post(f"{visit}/pay", visit)
        assert "https://checkout.example/cs_0" in lead.text
        back = f"{portal.server.url}{visit}?paid=1"
        assert stripe.sessions["cs_0"]["sent"]["success_url"] == back
        assert "on its way" in patient.get(f"{visit}?paid=1").text, "no redirect books"
        tell(portal, stripe)
        portal.server.wait_for(lambda: "Your visit is booked" in patient.get(visit).text or None)
        assert patient.post(f"{visit}/cancel", visit).status_code == 303
        portal.server.wait_for(lambda: stripe.refunds or None)
        assert [each["payment_intent"] for each in stripe.refunds] == ["pi_1"]


def tell(portal: Portal, stripe: Stripe) -> None:
    """Send the webhook: forged, to the door of another provider, and right."""
    body, signature = webhook("checkout.session.completed", stripe.pay("cs_0"))
    address = f"{portal.server.url}/billing/webhooks"
    for door, header, expected in (
        ("stripe", signature.replace("v1=", "v1=0"), 400),
        ("demo", signature, 404),
        ("stripe", signature, 204),
    ):
        answer = httpx.post(f"{address}/{door}", content=body, headers={"stripe-signature": header})
        assert answer.status_code == expected
