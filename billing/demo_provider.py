"""A provider that takes no money, to try things out: its checkout is a page of the portal.

Its events are signed with this installation's secret, so they come the same way as real ones.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from urllib.parse import quote

from sqlalchemy import Engine

from billing import inbox
from billing.provider import Checkout, Event, Kind, Payment, Unverified

PATH = "/pay/demo"


@dataclass(frozen=True, slots=True)
class DemoProvider:
    engine: Engine
    issuer: str
    secret: bytes
    name: str = "demo"

    def open(self, payment: Payment, back: str) -> Checkout:
        address = f"{self.issuer}{PATH}/{payment.id}?back={quote(back, safe='')}"
        return Checkout(f"demo-{payment.id}", address)

    def tell(self, payment: Payment, kind: Kind) -> tuple[bytes, str]:
        """Return body and signature of what the checkout page tells of the payment."""
        event = Event(
            f"{payment.id}-{kind}", kind, payment.id, payment.amount, payment.currency, payment.id
        )
        body = json.dumps(asdict(event)).encode()
        return body, self._sign(body)

    def read(self, body: bytes, signature: str) -> Event | None:
        if not hmac.compare_digest(self._sign(body).encode(), signature.encode()):
            raise Unverified
        return Event(**json.loads(body))

    def refund(self, payment: Payment, amount: int) -> None:
        id_ = f"{payment.id}-refunded-{amount}"
        event = Event(id_, "refunded", payment.id, amount, payment.currency, payment.charge)
        inbox.put(self.engine, self.name, event)

    def look(self, payment: Payment) -> Event | None:
        """Return what was told, since nothing is kept elsewhere."""
        return inbox.newest(self.engine, payment.id)

    def _sign(self, body: bytes) -> str:
        return hmac.new(self.secret, b"demo payment " + body, hashlib.sha256).hexdigest()
