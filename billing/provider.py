"""The seam to whoever takes the money: open a checkout, read what is told, refund, look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["paid", "failed", "expired", "refunded"]


@dataclass(frozen=True, slots=True)
class Payment:
    """What is to be paid: of one appointment."""

    id: str
    appointment: str
    """Id of the Appointment."""
    amount: int
    """Minor units: cents of EUR, yen of JPY."""
    currency: str
    """ISO 4217, upper case."""
    title: str
    """What is paid for, shown at the checkout."""
    email: str = ""
    checkout: str = ""
    """The provider's id of the checkout session."""
    charge: str = ""
    """The provider's id of what was paid (Stripe: payment intent)."""


@dataclass(frozen=True, slots=True)
class Checkout:
    id: str
    url: str
    """Where the browser goes to pay."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a provider says has happened, verified."""

    id: str
    """The provider's, unique."""
    kind: Kind
    payment: str
    """Our Payment.id."""
    amount: int
    """Minor units; of refunded: the total refunded so far."""
    currency: str
    charge: str = ""


class Unverified(Exception):
    """A webhook whose signature is not right, or too old."""


class ProviderDown(Exception):
    """The provider cannot be reached or fails; try again later."""


class Provider(Protocol):
    @property
    def name(self) -> str: ...

    def open(self, payment: Payment, back: str) -> Checkout:
        """Return where to pay; the same payment twice opens one checkout.

        back: absolute URL of the page to return to; ?paid=1 or ?paid=0 is added.
        """
        ...

    def read(self, body: bytes, signature: str) -> Event | None:
        """Return the event of a webhook; None when it is of no concern. Raises Unverified."""
        ...

    def refund(self, payment: Payment, amount: int) -> None:
        """Pay so much of it back; the same payment and amount twice refunds once."""
        ...

    def look(self, payment: Payment) -> Event | None:
        """Return what the provider holds of the checkout now; None while it is open."""
        ...
