"""A visit paid by Stripe through the portal: while Stripe is away, when it is back, and by its webhook."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from medconsult.embedded import cluster_in
from tests.billing.stripe_server import SECRET, running, webhook
from tests.medconsult.test_mailing import free_port
from tests.medconsult.test_serve import Server
from tests.ui.conftest import Portal
from tests.ui.test_kill import book


def test_while_the_provider_is_away_the_time_is_held_and_the_payment_can_be_tried_again(
    tmp_path: Path,
) -> None:
    port = free_port()
    settings = {
        "MEDCONSULT_DEMO": "true",
        "MEDCONSULT_STRIPE_SECRET_KEY": "sk_test_x",
        "MEDCONSULT_STRIPE_WEBHOOK_SECRET": SECRET,
        "MEDCONSULT_STRIPE_API_BASE": f"http://127.0.0.1:{port}",
    }
    server = Server(tmp_path, "--workers", "1", **settings)
    assert server.url
    password = re.search(r"their password\s+(\S+)", server.output.read_text())
    assert password
    portal = Portal(server, password[1], [])
    server.wait_for(
        lambda: "/book/" in portal.visitor().get("/doctors/demo-berg-video").text or None
    )
    patient = portal.signed("patient")
    visit = book(portal, patient)
    away = patient.post(f"{visit}/pay", visit)
    assert away.status_code == 503
    assert "Your time is still held" in away.text
    assert "/pay/demo" not in away.text
    with running(port) as stripe:
        lead = patient.post(f"{visit}/pay", visit)
        assert "https://checkout.example/cs_0" in lead.text
        assert stripe.sessions["cs_0"]["sent"]["success_url"] == f"{server.url}{visit}?paid=1"
        assert "on its way" in patient.get(f"{visit}?paid=1").text, "no redirect books"
        body, signature = webhook("checkout.session.completed", stripe.pay("cs_0"))
        address = f"{server.url}/billing/webhooks/stripe"
        forged = {"stripe-signature": signature.replace("v1=", "v1=0")}
        assert httpx.post(address, content=body, headers=forged).status_code == 400
        assert "on its way" in patient.get(f"{visit}?paid=1").text
        told = httpx.post(address, content=body, headers={"stripe-signature": signature})
        assert told.status_code == 204
        server.wait_for(lambda: "Your visit is booked" in patient.get(visit).text or None)
        assert patient.post(f"{visit}/cancel", visit).status_code == 303
        server.wait_for(lambda: stripe.refunds or None)
        assert [each["payment_intent"] for each in stripe.refunds] == ["pi_1"]
    assert portal.visitor().client.post("/billing/webhooks/demo", content=b"{}").status_code == 404
    for each in portal.clients:
        each.close()
    server.program.terminate()
    server.program.wait(30)
    cluster_in(tmp_path / "var").stop()
