"""A practitioner's offer, as tests make it."""

from __future__ import annotations

from typing import Any

from fhir_server.context import Store
from fhir_server.scheduling import records, slots

URN = "urn:medconsult:extension:"
FEE = "urn:medconsult:fee:video-40"


def schedule(doctor: str = "osei", booking: str = "approve", **numbers: int) -> dict[str, Any]:
    """Return a Schedule that is open the whole day, every day."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    return {
        "resourceType": "Schedule",
        "id": f"{doctor}-video",
        "active": True,
        "serviceType": [{"text": "Video consultation"}],
        "actor": [{"reference": f"Practitioner/{doctor}", "display": f"Dr. {doctor.title()}"}],
        "extension": [
            {"url": f"{URN}time-zone", "valueCode": "Europe/Berlin"},
            {"url": f"{URN}booking", "valueCode": booking},
            *({"url": f"{URN}fee", "valueCanonical": FEE} for _ in range(booking != "free")),
            *(hours(day, "00:00:00", "23:30:00") for day in days),
            *(number(name.replace("_", "-"), value) for name, value in numbers.items()),
        ],
    }


def number(name: str, value: int) -> dict[str, Any]:
    positive = name in ("slot-minutes", "offer-hours")
    return {"url": f"{URN}{name}", "valuePositiveInt" if positive else "valueUnsignedInt": value}


def hours(day: str, start: str, end: str) -> dict[str, Any]:
    return {
        "url": f"{URN}hours",
        "extension": [
            {"url": "day", "valueCode": day},
            {"url": "from", "valueTime": start},
            {"url": "to", "valueTime": end},
        ],
    }


def fee() -> dict[str, Any]:
    component = {"type": "base", "amount": {"value": 40, "currency": "EUR"}}
    return {
        "resourceType": "ChargeItemDefinition",
        "id": "fee-40",
        "url": FEE,
        "status": "active",
        "propertyGroup": [{"priceComponent": [component]}],
    }


def open_(store: Store, offered: dict[str, Any]) -> int:
    """Store the schedule and make its slots."""
    now = slots.datetime.now(slots.UTC)

    def work(repository: Any) -> int:
        return slots.materialise(repository, records.save(repository, offered), now)

    return store.writing(work)
