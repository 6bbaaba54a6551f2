"""The server is killed between what is told and what follows: nothing is lost, nothing happens twice."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from billing.demo_provider import DemoProvider
from billing.provider import Payment
from medconsult.embedded import cluster_in
from tests.medconsult.test_mailing import free_port
from tests.medconsult.test_other_clients import command
from tests.medconsult.test_serve import Server
from tests.ui.conftest import Portal, Visitor


def start(folder: Path, port: int) -> Server:
    server = Server(folder, "--workers", "1", "--port", str(port), MEDCONSULT_DEMO="true")
    assert server.url
    return server


def book(portal: Portal, visitor: Visitor) -> str:
    """Return the address of a visit that waits for its payment."""
    page = portal.visitor().get("/doctors/demo-berg-video").text
    slot = re.search(r"/book/([^\"]+)", page)
    assert slot
    return visitor.post(f"/book/{slot[1]}", "/settings", ask="1").headers["location"]


def test_a_payment_outlives_a_kill_and_is_applied_once(tmp_path: Path) -> None:
    port = free_port()
    server = start(tmp_path, port)
    password = re.search(r"their password\s+(\S+)", server.output.read_text())
    assert password
    portal = Portal(server, password[1], [])
    server.wait_for(
        lambda: "/book/" in portal.visitor().get("/doctors/demo-berg-video").text or None
    )
    patient = portal.signed("patient")
    visit = book(portal, patient)
    lead = patient.post(f"{visit}/pay", visit).text
    payment = re.search(r"/pay/demo/([0-9a-f-]+)", lead)
    assert payment
    token = command(tmp_path, "token", "--scope", "system/*.rs").stdout.strip()

    server.program.kill()  # after the checkout was opened, before anything was told
    server.program.wait()
    server = start(tmp_path, port)
    body, signature = told(tmp_path, payment[1])
    webhook = f"http://127.0.0.1:{port}/billing/webhooks/demo"
    headers = {"demo-signature": signature}
    assert httpx.post(webhook, content=body, headers={"demo-signature": "x"}).status_code == 400
    assert httpx.post(webhook, content=body, headers=headers).status_code == 204

    server.program.kill()  # after it was told, before or while it is applied
    server.program.wait()
    server = start(tmp_path, port)
    assert httpx.post(webhook, content=body, headers=headers).status_code == 204
    server.wait_for(lambda: "Your visit is booked" in patient.get(visit).text or None)
    found = httpx.get(
        f"http://127.0.0.1:{port}/fhir/Invoice?_summary=count",
        headers={"authorization": f"Bearer {token}"},
    )
    assert found.json()["total"] == 1
    for each in portal.clients:
        each.close()
    server.program.terminate()
    server.program.wait(30)
    cluster_in(tmp_path / "var").stop()


def told(folder: Path, payment: str) -> tuple[bytes, str]:
    """Return the webhook of the demo provider, as the one on this server would send it."""
    secret = (folder / "var" / "keys" / "secret.key").read_bytes()
    provider = DemoProvider(None, "", secret)  # type: ignore[arg-type] - it keeps nothing here
    return provider.tell(Payment(payment, "", 3000, "EUR", ""), "paid")
