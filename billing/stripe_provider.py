"""Stripe as the provider: hosted Checkout, webhooks, refunds. https://docs.stripe.com/checkout

Our minor units are Stripe's: amounts in the currency's smallest unit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import stripe
from stripe import StripeClient, Webhook

from billing.provider import Checkout, Event, Kind, Payment, ProviderDown, Unverified

TOLERANCE_S = 300
TIMEOUT_S = 20.0
RETRIES = 2
EVENTS: Mapping[str, Kind] = MappingProxyType(
    {
        "checkout.session.completed": "paid",
        "checkout.session.async_payment_succeeded": "paid",
        "checkout.session.async_payment_failed": "failed",
        "checkout.session.expired": "expired",
        "charge.refunded": "refunded",
    }
)
"""What the webhook endpoint has to be subscribed to."""


@dataclass(frozen=True, slots=True)
class StripeProvider:
    client: StripeClient
    webhook_secret: str
    name: str = "stripe"

    def open(self, payment: Payment, back: str) -> Checkout:
        price = {
            "currency": payment.currency.lower(),
            "unit_amount": payment.amount,
            "product_data": {"name": payment.title},
        }
        ours = {"payment": payment.id, "appointment": payment.appointment}
        asked: Any = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": payment.id,
            "metadata": ours,
            "payment_intent_data": {"metadata": ours},
            "success_url": _with(back, "paid=1"),
            "cancel_url": _with(back, "paid=0"),
            **({"customer_email": payment.email} if payment.email else {}),
        }
        with _told_as_down():
            made = self.client.v1.checkout.sessions.create(
                asked, {"idempotency_key": f"checkout-{payment.id}"}
            )
        return Checkout(made.id, str(made.url))

    def read(self, body: bytes, signature: str) -> Event | None:
        """See https://docs.stripe.com/webhooks#verify-official-libraries."""
        try:
            text = body.decode()
            Webhook.construct_event(text, signature, self.webhook_secret, TOLERANCE_S)
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise Unverified(str(error)) from error
        return event_of(json.loads(text))

    def refund(self, payment: Payment, amount: int) -> None:
        asked: Any = {
            "payment_intent": payment.charge,
            "amount": amount,
            "metadata": {"payment": payment.id},
        }
        with _told_as_down():
            self.client.v1.refunds.create(
                asked, {"idempotency_key": f"refund-{payment.id}-{amount}"}
            )

    def look(self, payment: Payment) -> Event | None:
        with _told_as_down():
            session = self.client.v1.checkout.sessions.retrieve(
                payment.checkout, {"expand": ["payment_intent.latest_charge"]}
            )
        return _state(payment, session.to_dict())


def provider(key: str, webhook_secret: str, base: str = "") -> StripeProvider:
    """Return the provider; base: another address than Stripe's own, for tests."""
    client = StripeClient(
        key,
        base_addresses={"api": base} if base else {},
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
    )
    return StripeProvider(client, webhook_secret)


def event_of(told: Mapping[str, Any]) -> Event | None:
    """Return our event of one of Stripe's; None when it is of no concern."""
    kind = EVENTS.get(told["type"])
    if kind is None:
        return None
    return _READ[kind](str(told["id"]), kind, told["data"]["object"])


def _of_session(id_: str, kind: Kind, session: Mapping[str, Any]) -> Event | None:
    # Completed may be before the money: then another event tells how that ends.
    if kind == "paid" and session.get("payment_status") != "paid":
        return None
    payment = session.get("client_reference_id")
    if not payment:
        return None
    return Event(
        id_,
        kind,
        str(payment),
        int(session.get("amount_total") or 0),
        str(session.get("currency", "")).upper(),
        _id(session.get("payment_intent")),
    )


def _of_charge(id_: str, kind: Kind, charge: Mapping[str, Any]) -> Event | None:
    payment = (charge.get("metadata") or {}).get("payment")
    if not payment:
        return None
    currency = str(charge["currency"]).upper()
    intent = _id(charge.get("payment_intent"))
    return Event(id_, kind, str(payment), int(charge["amount_refunded"]), currency, intent)


_READ: Mapping[Kind, Callable[[str, Kind, Mapping[str, Any]], Event | None]] = MappingProxyType(
    {"paid": _of_session, "failed": _of_session, "expired": _of_session, "refunded": _of_charge}
)


def _state(payment: Payment, session: Mapping[str, Any]) -> Event | None:
    """Return what the session has come to, as an event of its own."""
    intent = session.get("payment_intent")
    charge = intent.get("latest_charge") if isinstance(intent, Mapping) else None
    if isinstance(charge, Mapping) and charge.get("amount_refunded"):
        told = {**charge, "metadata": {"payment": payment.id}}
        return _of_charge(f"look-{payment.id}-{charge['amount_refunded']}", "refunded", told)
    if session.get("payment_status") == "paid":
        return _of_session(f"look-{payment.id}-paid", "paid", session)
    if session.get("status") == "expired":
        return _of_session(f"look-{payment.id}-expired", "expired", session)
    return None


def _id(found: Any) -> str:
    return str(found.get("id", "")) if isinstance(found, Mapping) else str(found or "")


def _with(back: str, query: str) -> str:
    return f"{back}{'&' if '?' in back else '?'}{query}"


@contextmanager
def _told_as_down() -> Iterator[None]:
    """Every failure of Stripe's is one to try again: a wrong key is mended by the operator meanwhile."""
    try:
        yield
    except stripe.StripeError as error:
        raise ProviderDown(f"{type(error).__name__}: {error.user_message or error}") from error
