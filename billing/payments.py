"""Payments: begun by a person, confirmed by a provider's verified event and by nothing else.

The inbox keeps each event once. It is applied in one transaction over the records and these tables,
so a kill leaves it either applied or waiting; events that come again or out of order change nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from billing import books, inbox
from billing.money import minor
from billing.provider import Event, Payment, Provider, ProviderDown
from billing.tables import payment, payment_event
from fhir_server.access.principal import Principal
from fhir_server.codec import Resource
from fhir_server.context import Store
from fhir_server.errors import Conflict, FHIRError
from fhir_server.repository import Repository
from fhir_server.scheduling import appointments, booking

BILLING = Principal("system", name="Billing")
_FIELDS = ("id", "appointment", "amount", "currency", "title", "email", "checkout", "charge")
log = structlog.get_logger("billing")


@dataclass(frozen=True, slots=True)
class Billing:
    """What the billing of one process holds."""

    engine: Engine
    store: Store
    provider: Provider
    issuer: str
    """The server's URL without a slash at the end."""


@dataclass(frozen=True, slots=True)
class Line:
    """A payment as pages show it."""

    id: str
    appointment: str
    amount: int
    currency: str
    title: str
    status: str
    refunded: int
    created: datetime
    paid: datetime | None


# Begun by a person


def begin(billing: Billing, appointment: Resource, email: str, back: str) -> str:
    """Return where to pay for a pending appointment; the same place while that is open.

    Conflict when nothing is due, ProviderDown when the provider cannot be reached: then the payment is
    kept, and opened when this is called again.
    """
    if appointment["status"] != "pending" or not appointments.is_due(appointment):
        raise Conflict(
            f"Nothing is to be paid for this visit: it is {appointment['status']}.",
            reason="not-payable",
        )
    with billing.engine.begin() as connection:
        row = _open(connection, billing.provider.name, appointment, email)
    if row.url:
        return str(row.url)
    checkout = billing.provider.open(_payment(row), back)
    with billing.engine.begin() as connection:
        connection.execute(
            update(payment)
            .where(payment.c.id == row.id)
            .values(checkout=checkout.id, url=checkout.url)
        )
    return checkout.url


def _open(connection: Connection, provider: str, appointment: Resource, email: str) -> Row[Any]:
    amount, currency = appointments.fee(appointment) or (Decimal(0), "")
    made = insert(payment).values(
        id=str(uuid.uuid4()),
        appointment=appointment["id"],
        patient=appointments.actor(appointment, "Patient"),
        provider=provider,
        amount=minor(amount, currency),
        currency=currency,
        title=_title(appointment),
        email=email,
    )
    connection.execute(made.on_conflict_do_nothing())
    query = select(payment).where(
        payment.c.appointment == appointment["id"], payment.c.status == "open"
    )
    return connection.execute(query).one()


def _title(appointment: Resource) -> str:
    service = next(
        (each["text"] for each in appointment.get("serviceType", []) if "text" in each), ""
    )
    who = appointments.participant(appointment, "Practitioner").get("actor", {}).get("display", "")
    return " with ".join(filter(None, (service or "Appointment", who)))


def listed(
    connection: Connection, appointment: str = "", status: str = "", most: int = 100
) -> list[Line]:
    """Return the payments of an appointment, of a status, or of all, the newest first."""
    columns = [payment.c[name] for name in Line.__slots__]
    query = select(*columns).order_by(payment.c.created.desc()).limit(most)
    if appointment:
        query = query.where(payment.c.appointment == appointment)
    if status:
        query = query.where(payment.c.status == status)
    return [Line(*row) for row in connection.execute(query)]


def one(connection: Connection, id_: str) -> Payment | None:
    row = connection.execute(select(payment).where(payment.c.id == id_)).first()
    return _payment(row) if row else None


# Told by the provider


def apply_next(billing: Billing) -> bool:
    """Apply the oldest event that waits; False when none does. Several may do this at once."""
    try:
        with billing.engine.begin() as connection:
            waiting = connection.execute(_WAITING).first()
            if waiting is None:
                return False
            outcome = _apply(billing, connection, waiting)
            _settle_event(connection, waiting, outcome)
    except FHIRError as error:
        log.error("payment.not_applied", error=str(error))
        return False
    return True


_WAITING = (
    select(payment_event)
    .where(payment_event.c.applied.is_(None))
    .order_by(payment_event.c.received)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def _settle_event(connection: Connection, event: Row[Any], outcome: str) -> None:
    this = (payment_event.c.provider == event.provider) & (payment_event.c.id == event.id)
    done = {"applied": func.clock_timestamp(), "outcome": outcome}
    connection.execute(update(payment_event).where(this).values(done))


def _apply(billing: Billing, connection: Connection, event: Row[Any]) -> str:
    """Do what follows from the event; returns what was done, in words."""
    query = select(payment).where(payment.c.id == event.payment).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        return "no such payment"
    if event.currency != row.currency:
        return f"another currency: {event.currency}"
    return _APPLY[event.kind](billing, connection, row, event)


def _paid(billing: Billing, connection: Connection, row: Row[Any], event: Row[Any]) -> str:
    if row.paid is not None:
        return "paid before"
    if event.amount != row.amount:
        return f"another amount: {event.amount}"
    # Told out of order: what has gone back already books nothing.
    status = row.status if row.refunded else "paid"
    values = {"status": status, "charge": event.charge, "paid": func.clock_timestamp()}
    connection.execute(update(payment).where(payment.c.id == row.id).values(values))
    repository = _records(billing, connection)
    entered = replace(_payment(row), charge=event.charge)
    books.enter(repository, entered, row.patient, datetime.now(UTC))
    if row.refunded:
        return "refunded before"
    try:
        with connection.begin_nested():
            booking.paid(repository, row.appointment)
    except Conflict as late:
        # The time is no longer held for it: the money goes back.
        due(connection, row.appointment, 100)
        return f"refunded: {late}"
    return "booked"


def _ended(billing: Billing, connection: Connection, row: Row[Any], event: Row[Any]) -> str:
    if row.status != "open":
        return f"{row.status} before"
    connection.execute(update(payment).where(payment.c.id == row.id).values(status=event.kind))
    _show(billing, connection, row.appointment, event.kind)
    return str(event.kind)


def _refunded(billing: Billing, connection: Connection, row: Row[Any], event: Row[Any]) -> str:
    if event.amount <= row.refunded:
        return "refunded before"
    status = "refunded" if event.amount >= row.amount else "partially-refunded"
    values = {"status": status, "refunded": event.amount}
    connection.execute(update(payment).where(payment.c.id == row.id).values(values))
    if status == "refunded":
        books.balance(_records(billing, connection), _payment(row), "cancelled")
    _show(billing, connection, row.appointment, status)
    return status


_APPLY: Mapping[str, Callable[..., str]] = MappingProxyType(
    {"paid": _paid, "failed": _ended, "expired": _ended, "refunded": _refunded}
)


def _show(billing: Billing, connection: Connection, appointment: str, status: str) -> None:
    booking.payment_is(_records(billing, connection), appointment, status)


# Given back


def due(connection: Connection, appointment: str, percent: int) -> None:
    """Note that so much of what was paid for the appointment has to go back; never less than before."""
    share = payment.c.amount * percent // 100
    paid = (payment.c.appointment == appointment) & payment.c.paid.is_not(None)
    connection.execute(
        update(payment).where(paid, payment.c.refund_due < share).values(refund_due=share)
    )


def refund_next(billing: Billing) -> bool:
    """Ask the provider for a refund that is due; False when none is, or the provider is down."""
    query = (
        select(payment)
        .where(payment.c.refund_due > payment.c.refund_asked)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    try:
        with billing.engine.begin() as connection:
            row = connection.execute(query).first()
            if row is None:
                return False
            billing.provider.refund(_payment(row), row.refund_due)
            asked = update(payment).where(payment.c.id == row.id)
            connection.execute(asked.values(refund_asked=row.refund_due))
    except ProviderDown as error:
        log.warning("payment.refund_delayed", error=str(error))
        return False
    return True


# The nightly comparison


def compare(billing: Billing, since: datetime) -> list[str]:
    """Ask the provider about each payment since then; returns what differs, in words.

    What we were not told of goes into the inbox, as if it had been.
    """
    with billing.engine.connect() as connection:
        rows = connection.execute(select(payment).where(payment.c.created >= since)).all()
    found: list[str] = []
    for row in rows:
        event = billing.provider.look(_payment(row)) if row.checkout else None
        if event is None or _agrees(row, event):
            continue
        found.append(f"payment {row.id}: {row.status} here, {event.kind} at {row.provider}")
        inbox.put(billing.engine, billing.provider.name, event)
    return found


def _agrees(row: Row[Any], event: Event) -> bool:
    match event.kind:
        case "paid":
            return row.paid is not None
        case "refunded":
            return bool(row.refunded >= event.amount)
    return bool(row.status != "open")


def _records(billing: Billing, connection: Connection) -> Repository:
    return billing.store.acting(BILLING).joining(connection)


def _payment(row: Row[Any]) -> Payment:
    return Payment(**{name: getattr(row, name) for name in _FIELDS})
