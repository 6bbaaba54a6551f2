"""Only a verified event confirms, once; what comes late, twice or out of order keeps the books right."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from billing import inbox, payments
from billing.money import major, minor, shown
from billing.provider import Event, Unverified
from fhir_server.errors import Conflict
from fhir_server.scheduling import booking, records
from tests.billing.conftest import Practice


def tell(clinic: Practice, payment: str, kind: Any, amount: int = 4000, **other: str) -> bool:
    event = Event(
        other.get("id", f"{payment}-{kind}-{amount}"), kind, payment, amount, "EUR", "ch_1"
    )
    return inbox.put(clinic.billing.engine, "demo", event)


def test_a_payment_books_and_stands_in_the_books(clinic: Practice) -> None:
    visit = clinic.pending()
    payment = clinic.begin(visit)
    assert tell(clinic, payment, "paid")
    assert not tell(clinic, payment, "paid"), "once in the inbox"
    clinic.work()
    booked = clinic.appointment(visit["id"])
    assert booked["status"] == "booked"
    assert "held-until" not in str(booked)
    invoice = clinic.store.reading(lambda r: records.read(r, "Invoice", payment))
    assert invoice["status"] == "balanced"
    assert invoice["account"] == {"reference": "Account/account-ada"}
    assert clinic.store.reading(lambda r: records.read(r, "Account", "account-ada"))
    assert invoice["totalGross"] == {"value": Decimal("40.00"), "currency": "EUR"}
    for kind in ("ChargeItem", "PaymentReconciliation", "PaymentNotice"):
        assert clinic.store.reading(lambda r, kind=kind: records.read(r, kind, payment))
    tell(clinic, payment, "paid", id="again")
    clinic.work()
    assert clinic.appointment(visit["id"])["meta"]["versionId"] == booked["meta"]["versionId"]


def test_one_checkout_is_open_at_a_time(clinic: Practice) -> None:
    visit = clinic.pending()
    first = payments.begin(clinic.billing, visit, "", "http://server.test/back")
    assert payments.begin(clinic.billing, visit, "", "http://server.test/back") == first
    payment = clinic.line(visit).id
    tell(clinic, payment, "expired")
    clinic.work()
    assert clinic.line(visit).status == "expired"
    assert clinic.begin(visit) != payment, "the next attempt is a payment of its own"


def test_nothing_is_paid_twice_or_for_nothing(clinic: Practice) -> None:
    visit = clinic.pending()
    payment = clinic.begin(visit)
    tell(clinic, payment, "paid")
    clinic.work()
    with pytest.raises(Conflict):
        clinic.begin(clinic.appointment(visit["id"]))


def test_money_for_a_time_that_is_gone_goes_back(clinic: Practice) -> None:
    visit = clinic.pending()
    payment = clinic.begin(visit)
    clinic.store.writing(lambda repository: booking.cancel(repository, visit["id"]))
    tell(clinic, payment, "paid")
    clinic.work()
    line = clinic.line(visit)
    assert (line.status, line.refunded) == ("refunded", 4000)
    assert clinic.appointment(visit["id"])["status"] == "cancelled"


@pytest.mark.parametrize(
    "order", list(itertools.permutations(("paid", "refunded", "expired"))), ids="-".join
)
def test_in_whatever_order_events_come_the_books_balance(
    clinic: Practice, order: tuple[str, ...]
) -> None:
    visit = clinic.pending()
    payment = clinic.begin(visit)
    for kind in order:
        tell(clinic, payment, kind)
        tell(clinic, payment, kind, id=f"{kind} again")
        clinic.work()
    line = clinic.line(visit)
    assert (line.status, line.refunded, line.paid is not None) == ("refunded", 4000, True)


@pytest.mark.parametrize(("amount", "currency"), [(3999, "EUR"), (4000, "USD")])
def test_another_sum_confirms_nothing(clinic: Practice, amount: int, currency: str) -> None:
    visit = clinic.pending()
    payment = clinic.begin(visit)
    inbox.put(clinic.billing.engine, "demo", Event("x", "paid", payment, amount, currency))
    clinic.work()
    assert clinic.appointment(visit["id"])["status"] == "pending"
    assert clinic.line(visit).status == "open"


def test_an_event_whose_work_fails_waits_and_is_applied_later(clinic: Practice) -> None:
    visit = clinic.pending()
    payment = clinic.begin(visit)
    tell(clinic, payment, "paid")
    with clinic.billing.engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    with pytest.raises(Exception, match="outbox"):
        payments.apply_next(clinic.billing)
    assert clinic.line(visit).status == "open", "all of it is one transaction"
    with clinic.billing.engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO outbox"))
    clinic.work()
    assert clinic.appointment(visit["id"])["status"] == "booked"


def test_only_what_is_signed_is_believed(clinic: Practice) -> None:
    payment = clinic.begin(clinic.pending())
    with clinic.billing.engine.connect() as connection:
        line = payments.listed(connection)[0]
    assert line.id == payment
    body, signature = clinic.provider.tell(
        payments.Payment(line.id, "a", line.amount, line.currency, line.title), "paid"
    )
    found = clinic.provider.read(body, signature)
    assert found == Event(f"{payment}-paid", "paid", payment, 4000, "EUR", payment)
    for forged in ((body + b" ", signature), (body, ""), (body, "0" * 64)):
        with pytest.raises(Unverified):
            clinic.provider.read(*forged)


@pytest.mark.parametrize(
    ("amount", "currency", "units", "words"),
    [
        (Decimal(40), "EUR", 4000, "40.00 EUR"),
        (Decimal("0.105"), "EUR", 11, "0.11 EUR"),
        (Decimal(1200), "JPY", 1200, "1200 JPY"),
        (Decimal("1.234"), "KWD", 1234, "1.234 KWD"),
    ],
)
def test_money_is_whole_minor_units(amount: Decimal, currency: str, units: int, words: str) -> None:
    assert minor(amount, currency) == units
    assert shown(units, currency) == words
    assert minor(major(units, currency), currency) == units
