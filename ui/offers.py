"""/admin/offers: what each practitioner offers, for what fee and by which rules."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from billing.money import major, minor
from fhir_server.codec import Resource
from fhir_server.extensions import EXTENSION, claiming
from fhir_server.repository import Repository
from fhir_server.scheduling import records, taking
from fhir_server.scheduling.offer import offer_of
from fhir_server.scheduling.people import name_of
from smart_auth import sessions
from smart_auth.bodies import Form, form
from smart_auth.pages import worded
from smart_auth.sessions import Signed
from smart_auth.wording import later, say
from ui import preferences
from ui.admin import ADMINISTRATORS
from ui.dosage import WHOLE
from ui.pages import show
from ui.portal import Portal, change, found, look, only, usual_zone

Sent = Annotated[Form, Depends(form)]
BOOKING = {
    "approve": later("The practitioner says yes to each request"),
    "instant": later("Booked at once when it is paid"),
    "free": later("Booked at once, without a fee"),
}
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "PLN", "TRY", "INR", "JPY")
# Name, label, least, most, what it is without being said.
NUMBERS = (
    ("slot-minutes", later("Minutes"), 15, 120, 30),
    ("buffer-minutes", later("Minutes between two"), 0, 240, 0),
    ("notice-hours", later("Booked at the latest, hours before"), 0, 1440, 2),
    ("free-hours", later("Cancelled free of charge until, hours before"), 0, 1440, 24),
    ("percent", later("Later, % of the fee that is kept"), 0, 100, 0),
)
_OURS = (
    "slot-minutes",
    "buffer-minutes",
    "notice-hours",
    "booking",
    "cancellation",
    "fee",
    "time-zone",
    "meeting",
)


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str


def routes(portal: Portal) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/admin/offers/{practitioner}")
    @worded
    def ask(request: Request, practitioner: str) -> Response:
        signed = only(sessions.required(portal.auth, request), *ADMINISTRATORS)
        person = found(portal, signed, "Practitioner", practitioner)
        schedule = _schedule(portal, signed, practitioner)
        return _page(portal, request, signed, person, values(portal, signed, schedule))

    @router.post("/admin/offers/{practitioner}")
    @worded
    def save(request: Request, practitioner: str, form: Sent) -> Response:
        signed = only(sessions.own_form(portal.auth, request, form), *ADMINISTRATORS)
        person = found(portal, signed, "Practitioner", practitioner)
        errors = wrong(form)
        if errors:
            return _page(portal, request, signed, person, form, errors, 422)
        before = _schedule(portal, signed, practitioner)
        change(portal, signed, "Schedule", lambda r: store(r, person, before, form))
        return RedirectResponse(f"/admin/offers/{practitioner}?done=1", 303)

    return router


def _page(
    portal: Portal,
    request: Request,
    signed: Signed,
    person: Resource,
    shown: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    context = {
        "person": person,
        "values": shown,
        "errors": errors or {},
        "numbers": NUMBERS,
        "modes": BOOKING,
        "currencies": CURRENCIES,
        "zones_named": [(each, each) for each in preferences.zones()],
        "saved": request.query_params.get("done") == "1" and not errors,
    }
    return show(portal, request, signed, "offers.html", context, status=status)


def _schedule(portal: Portal, signed: Signed, practitioner: str) -> Resource | None:
    def work(repository: Repository) -> list[Resource]:
        whose = ("actor", f"Practitioner/{practitioner}")
        return records.find(repository, "Schedule", whose, ("active", "true"))

    return next(iter(look(portal, signed, "Schedule", work)), None)


def values(portal: Portal, signed: Signed, schedule: Resource | None) -> dict[str, str]:
    """Return what the form shows of a schedule, or of a new one."""
    shown = {name: str(usual) for name, _, _, _, usual in NUMBERS}
    shown |= {"service": "Video consultation", "booking": "approve", "currency": "EUR"}
    shown |= {"time-zone": usual_zone(portal), "active": "1", "amount": ""}
    if schedule is None:
        return shown
    offer = offer_of(schedule)
    money = look(portal, signed, "ChargeItemDefinition", lambda r: taking.price(r, offer))
    return shown | {
        "service": offer.service,
        "slot-minutes": str(offer.minutes),
        "buffer-minutes": str(offer.buffer),
        "notice-hours": str(offer.notice_hours),
        "free-hours": str(offer.free_hours),
        "percent": f"{offer.percent.normalize():f}",
        "booking": offer.booking,
        "time-zone": offer.zone.key,
        "meeting": offer.meeting,
        "specialty": _words(schedule.get("specialty", [])),
        "amount": str(money["value"]) if money else "",
        "currency": str(money["currency"]) if money else "EUR",
    }


def _words(concepts: list[Any]) -> str:
    return str(concepts[0].get("text", "")) if concepts else ""


def wrong(form: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong, by field."""
    errors: dict[str, str] = {}
    if not form.get("service", "").strip():
        errors["service"] = later("Write what it is called, such as Video consultation.")
    for name, _, least, most, _ in NUMBERS:
        text = form.get(name, "")
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            errors[name] = say(WHOLE, least=least, most=most)
    if form.get("booking") not in BOOKING:
        errors["booking"] = later("Choose one.")
    elif form.get("booking") != "free" and _money(form) is None:
        errors["amount"] = later("Write the fee as a number above 0, or choose that there is none.")
    if not form.get("meeting", "").strip().startswith(("https://", "/")) and form.get("meeting"):
        errors["meeting"] = later("Write an address that begins with https://.")
    if form.get("time-zone") not in preferences.zones():
        errors["time-zone"] = later("Choose one.")
    return errors


def _money(form: Mapping[str, str]) -> Money | None:
    currency = form.get("currency", "")
    try:
        amount = Decimal(form.get("amount", "").replace(",", "."))
    except InvalidOperation:
        return None
    if currency not in CURRENCIES or not amount.is_finite() or not 0 < amount < 100_000:
        return None
    return Money(major(minor(amount, currency), currency), currency)


def store(
    repository: Repository, person: Resource, before: Resource | None, form: Mapping[str, str]
) -> Resource:
    """Write the schedule and its fee; hours and days off stay as they are."""
    money = _money(form) if form["booking"] != "free" else None
    if money is not None:
        records.save(repository, _fee(person["id"], form["service"], money))
    kept = [
        each
        for each in (before or {}).get("extension", [])
        if each["url"].removeprefix(EXTENSION) not in _OURS
    ]
    specialty = form.get("specialty", "").strip()[:100]
    actor = {"reference": f"Practitioner/{person['id']}", "display": name_of(person)}
    made = (before or _new()) | {
        "active": True,
        "serviceType": [{"text": form["service"].strip()[:100]}],
        "actor": [actor],
        "extension": [*kept, *_extensions(person["id"], form, money)],
    }
    if specialty and specialty != _words(made.get("specialty", [])):
        made["specialty"] = [{"text": specialty}]
    return records.save(repository, made)


def _new() -> Resource:
    return {"resourceType": "Schedule", "id": str(uuid.uuid4()), "meta": claiming("schedule")}


def _fee(practitioner: str, service: str, money: Money) -> Resource:
    amount = {"value": money.amount, "currency": money.currency}
    return {
        "resourceType": "ChargeItemDefinition",
        "meta": claiming("fee"),
        "id": f"fee-{practitioner}"[:64],
        "url": _url(practitioner),
        "status": "active",
        "title": service,
        "propertyGroup": [{"priceComponent": [{"type": "base", "amount": amount}]}],
    }


def _url(practitioner: str) -> str:
    return f"urn:medconsult:fee:{practitioner}"


def _extensions(
    practitioner: str, form: Mapping[str, str], money: Money | None
) -> list[dict[str, Any]]:
    rule = [
        {"url": "free-hours", "valueUnsignedInt": int(form["free-hours"])},
        {"url": "percent", "valueDecimal": int(form["percent"])},
    ]
    plain: dict[str, tuple[str, Any]] = {
        "time-zone": ("valueCode", form["time-zone"]),
        "slot-minutes": ("valuePositiveInt", int(form["slot-minutes"])),
        "buffer-minutes": ("valueUnsignedInt", int(form["buffer-minutes"])),
        "notice-hours": ("valueUnsignedInt", int(form["notice-hours"])),
        "booking": ("valueCode", form["booking"]),
    }
    if room := form.get("meeting", "").strip():
        plain["meeting"] = ("valueString", room)
    if money is not None:
        plain["fee"] = ("valueCanonical", _url(practitioner))
    listed = [{"url": f"{EXTENSION}{name}", key: value} for name, (key, value) in plain.items()]
    return [*listed, {"url": f"{EXTENSION}cancellation", "extension": rule}]
