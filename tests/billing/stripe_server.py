"""Stands in for Stripe's endpoints: a real server on this machine, with real signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SECRET = "whsec_test"


class Stripe:
    """What the server holds, and how it is told to behave."""

    def __init__(self) -> None:
        self.url = ""
        self.fail = 0
        """Requests that are answered 500."""
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, str]] = []
        self.known: dict[str, dict[str, Any]] = {}
        """Answers by idempotency key."""

    def create(self, path: str, sent: Mapping[str, str], key: str) -> dict[str, Any]:
        if key in self.known:
            return self.known[key]
        made = self._session(sent) if path.endswith("sessions") else self._refund(sent)
        return self.known.setdefault(key, made)

    def _session(self, sent: Mapping[str, str]) -> dict[str, Any]:
        id_ = f"cs_{len(self.sessions)}"
        self.sessions[id_] = {
            "id": id_,
            "object": "checkout.session",
            "url": f"https://checkout.example/{id_}",
            "status": "open",
            "payment_status": "unpaid",
            "client_reference_id": sent["client_reference_id"],
            "amount_total": int(sent["line_items[0][price_data][unit_amount]"]),
            "currency": sent["line_items[0][price_data][currency]"],
            "payment_intent": None,
            "sent": dict(sent),
        }
        return self.sessions[id_]

    def _refund(self, sent: Mapping[str, str]) -> dict[str, Any]:
        self.refunds.append(dict(sent))
        return {"id": f"re_{len(self.refunds)}", "object": "refund", "status": "succeeded"}

    def pay(self, id_: str) -> dict[str, Any]:
        self.sessions[id_] |= {"status": "complete", "payment_status": "paid"}
        self.sessions[id_]["payment_intent"] = {
            "id": "pi_1",
            "latest_charge": {"amount_refunded": 0},
        }
        return {**self.sessions[id_], "payment_intent": "pi_1"}


def webhook(
    kind: str,
    thing: Mapping[str, Any],
    *,
    secret: str = SECRET,
    at: float | None = None,
    id_: str = "evt_1",
) -> tuple[bytes, str]:
    """Return body and Stripe-Signature of an event."""
    event = {"id": id_, "object": "event", "type": kind, "data": {"object": thing}}
    body = json.dumps(event).encode()
    moment = int(at if at is not None else time.time())
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={moment},v1={mac}"


@contextmanager
def running(port: int = 0) -> Iterator[Stripe]:
    state = Stripe()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            id_ = urlsplit(self.path).path.rpartition("/")[2]
            self._answer(state.sessions.get(id_) or {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            key = self.headers["idempotency-key"]
            self._answer(state.create(urlsplit(self.path).path, dict(parse_qsl(body)), key))

        def _answer(self, found: Mapping[str, Any]) -> None:
            status = 500 if state.fail > 0 else 200
            state.fail -= 1
            text = json.dumps(found if status == 200 else {"error": {"message": "Down"}}).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield state
        server.shutdown()
