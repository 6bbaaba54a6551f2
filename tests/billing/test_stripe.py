"""Stripe as its SDK speaks to it: what is asked, what is believed, what happens when it is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from billing import inbox, payments
from billing.provider import Event, Payment, ProviderDown, Unverified
from billing.stripe_provider import StripeProvider, provider
from tests.billing.conftest import Practice
from tests.billing.stripe_server import SECRET, Stripe, running, webhook

PAYMENT = Payment("p1", "a1", 4000, "EUR", "A visit", "ada@example.org")
BACK = "https://records.example/visits/a1"


@pytest.fixture
def server() -> Iterator[Stripe]:
    with running() as found:
        yield found


@pytest.fixture
def stripe(server: Stripe) -> StripeProvider:
    return provider("sk_test_x", SECRET, server.url)


def test_a_checkout_says_what_is_paid_and_where_to_come_back(
    stripe: StripeProvider, server: Stripe
) -> None:
    made = stripe.open(PAYMENT, BACK)
    assert made.url == "https://checkout.example/cs_0"
    sent = server.sessions[made.id]["sent"]
    assert sent["line_items[0][price_data][unit_amount]"] == "4000"
    assert sent["line_items[0][price_data][currency]"] == "eur"
    assert sent["payment_intent_data[metadata][payment]"] == "p1"
    assert sent["customer_email"] == "ada@example.org"
    assert (sent["success_url"], sent["cancel_url"]) == (f"{BACK}?paid=1", f"{BACK}?paid=0")
    assert stripe.open(PAYMENT, BACK) == made
    assert len(server.sessions) == 1


def test_a_signed_webhook_is_believed(stripe: StripeProvider, server: Stripe) -> None:
    made = stripe.open(PAYMENT, BACK)
    body, signature = webhook("checkout.session.completed", server.pay(made.id))
    assert stripe.read(body, signature) == Event("evt_1", "paid", "p1", 4000, "EUR", "pi_1")
    charge = {"currency": "eur", "amount_refunded": 4000, "metadata": {"payment": "p1"}}
    found = stripe.read(*webhook("charge.refunded", charge))
    assert found == Event("evt_1", "refunded", "p1", 4000, "EUR", "")


@pytest.mark.parametrize(
    "forge",
    [
        lambda body, signature: (body.replace(b"4000", b"4001"), signature),
        lambda body, _: (body, ""),
        lambda body, _: (body, "t=1,v1=00"),
        lambda body, _: (body, webhook("checkout.session.completed", {}, secret="other")[1]),
        lambda _, __: webhook("checkout.session.completed", {}, at=time.time() - 301),
        lambda _, __: webhook("checkout.session.completed", {}, secret="other"),
        lambda _, signature: (b"\xff", signature),
    ],
)
def test_what_is_not_signed_right_is_not_believed(stripe: StripeProvider, forge: object) -> None:
    session = {"client_reference_id": "p1", "payment_status": "paid", "amount_total": 4000}
    body, signature = webhook("checkout.session.completed", session)
    with pytest.raises(Unverified):
        stripe.read(*forge(body, signature))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("customer.created", {}),
        ("checkout.session.completed", {"client_reference_id": "p1", "payment_status": "unpaid"}),
        ("checkout.session.completed", {"payment_status": "paid"}),
        ("charge.refunded", {"currency": "eur", "amount_refunded": 1, "metadata": {}}),
    ],
)
def test_what_is_no_concern_of_ours_is_left(
    stripe: StripeProvider, kind: str, thing: dict[str, object]
) -> None:
    assert stripe.read(*webhook(kind, thing)) is None


def test_a_refund_is_asked_for_once(stripe: StripeProvider, server: Stripe) -> None:
    paid = replace(PAYMENT, charge="pi_1")
    stripe.refund(paid, 2000)
    stripe.refund(paid, 2000)
    assert [each["amount"] for each in server.refunds] == ["2000"]


def test_a_look_tells_what_has_come_of_it(stripe: StripeProvider, server: Stripe) -> None:
    opened = replace(PAYMENT, checkout=stripe.open(PAYMENT, BACK).id)
    assert stripe.look(opened) is None
    server.sessions[opened.checkout]["status"] = "expired"
    expired = stripe.look(opened)
    assert expired
    assert expired.kind == "expired"
    server.pay(opened.checkout)
    paid = stripe.look(opened)
    assert paid == Event("look-p1-paid", "paid", "p1", 4000, "EUR", "pi_1")
    charge = {"amount_refunded": 1500, "currency": "eur"}
    server.sessions[opened.checkout]["payment_intent"]["latest_charge"] = charge
    refunded = stripe.look(opened)
    assert refunded
    assert (refunded.kind, refunded.amount) == ("refunded", 1500)


def test_when_it_fails_a_moment_it_is_asked_again_and_else_it_is_down(
    stripe: StripeProvider, server: Stripe
) -> None:
    server.fail = 2
    assert stripe.open(PAYMENT, BACK)
    server.fail = 9
    with pytest.raises(ProviderDown):
        stripe.open(replace(PAYMENT, id="p2"), BACK)
    with pytest.raises(ProviderDown):
        provider("sk", SECRET, "http://127.0.0.1:9").open(PAYMENT, BACK)


def test_a_payment_by_stripe_from_the_checkout_to_the_refund(
    clinic: Practice, stripe: StripeProvider, server: Stripe
) -> None:
    billing = replace(clinic.billing, provider=stripe)
    visit = clinic.pending()
    server.fail = 9
    with pytest.raises(ProviderDown):
        payments.begin(billing, visit, "", BACK)
    server.fail = 0
    assert payments.begin(billing, visit, "", BACK) == "https://checkout.example/cs_0"
    event = stripe.read(*webhook("checkout.session.completed", server.pay("cs_0")))
    assert event
    inbox.put(billing.engine, "stripe", event)
    assert payments.apply_next(billing)
    assert clinic.appointment(visit["id"])["status"] == "booked"
    with billing.engine.begin() as connection:
        payments.due(connection, visit["id"], 50)
    assert payments.refund_next(billing)
    assert not payments.refund_next(billing)
    assert [each["amount"] for each in server.refunds] == ["2000"]


def test_the_nightly_comparison_finds_what_was_never_told(
    clinic: Practice, stripe: StripeProvider, server: Stripe
) -> None:
    billing = replace(clinic.billing, provider=stripe)
    visit = clinic.pending()
    payments.begin(billing, visit, "", BACK)
    since = payments.datetime.now(payments.UTC).replace(year=2000)
    assert payments.compare(billing, since) == []
    server.pay("cs_0")
    assert "open here, paid at stripe" in payments.compare(billing, since)[0]
    assert payments.apply_next(billing)
    assert clinic.appointment(visit["id"])["status"] == "booked"
    assert payments.compare(billing, since) == []
