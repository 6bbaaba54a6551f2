"""The inbox of what providers tell: each event once, kept before it is acknowledged."""

from __future__ import annotations

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert

from billing.provider import Event
from billing.tables import payment_event


def put(engine: Engine, provider: str, event: Event) -> bool:
    """Keep an event; False when it was there. It is committed on return."""
    row = {
        "provider": provider,
        "id": event.id,
        "kind": event.kind,
        "payment": event.payment,
        "amount": event.amount,
        "currency": event.currency,
        "charge": event.charge,
    }
    with engine.begin() as connection:
        kept = connection.execute(insert(payment_event).values(row).on_conflict_do_nothing())
    return kept.rowcount == 1


def newest(engine: Engine, payment: str) -> Event | None:
    """Return what was told last of a payment; None when nothing was."""
    columns = [payment_event.c[name] for name in Event.__slots__]
    query = select(*columns).where(payment_event.c.payment == payment)
    with engine.connect() as connection:
        row = connection.execute(query.order_by(payment_event.c.received.desc()).limit(1)).first()
    return Event(*row) if row else None
