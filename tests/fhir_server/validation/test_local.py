"""Our own extensions are held to what reads them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_server import codec, validation
from fhir_server.scheduling.offer import offer_of
from fhir_server.validation.local import CHECKS
from tests.fhir_server.scheduling import offers

PROFILES = Path(__file__).parents[3] / "profiles" / "local"
URN = offers.URN


def parts(**values: Any) -> list[dict[str, Any]]:
    kinds = {"day": "valueCode", "from": "valueTime", "to": "valueTime", "date": "valueDate"}
    return [
        {"url": name.rstrip("_"), kinds[name.rstrip("_")]: value} for name, value in values.items()
    ]


WRONG: list[dict[str, Any]] = [
    {"url": f"{URN}time-zone", "valueCode": "Middle/Earth"},
    {"url": f"{URN}hours", "extension": parts(day="mon", from_="09:00:00")},
    {"url": f"{URN}hours", "extension": parts(day="day", from_="09:00:00", to="10:00:00")},
    {"url": f"{URN}hours", "extension": parts(day="mon", from_="10:00:00", to="09:00:00")},
    {"url": f"{URN}hours", "valueString": "mon"},
    {"url": f"{URN}exception", "extension": parts(date="2026")},
    {"url": f"{URN}exception", "extension": parts(date="2026-01-01", from_="09:00:00")},
    {"url": f"{URN}slot-minutes", "valuePositiveInt": 5},
    {"url": f"{URN}slot-minutes", "valueString": "30"},
    {"url": f"{URN}booking", "valueCode": "maybe"},
    {"url": f"{URN}cancellation", "valueDecimal": 50},
    {"url": f"{URN}cancellation", "extension": [{"url": "percent", "valueDecimal": Decimal(101)}]},
    {"url": f"{URN}fee", "valueMoney": {"value": 1, "currency": "EUR"}},
    {"url": f"{URN}fe", "valueCanonical": "urn:x"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_a_schedule_cannot_mean_is_refused_with_its_place(wrong: dict[str, Any]) -> None:
    schedule = offers.schedule()
    assert validation.validate(schedule) == []
    schedule["extension"].insert(1, wrong)
    (issue,) = validation.validate(schedule)
    assert issue.expression == "Schedule.extension[1]"
    assert issue.severity == "error"
    assert issue.diagnostics.startswith(wrong["url"])


def test_what_passes_can_be_read() -> None:
    rule = [{"url": "percent", "valueDecimal": Decimal("12.5")}]
    schedule = offers.schedule(slot_minutes=45, buffer_minutes=5)
    schedule["extension"] += [
        {"url": f"{URN}cancellation", "extension": rule},
        {"url": f"{URN}exception", "extension": parts(date="2026-12-24")},
        {"url": "http://other.example/hours", "valueString": "theirs"},
    ]
    assert validation.validate(schedule) == []
    offer = offer_of(schedule)
    assert (offer.minutes, offer.buffer, offer.percent) == (45, 5, Decimal("12.5"))


def test_each_extension_that_is_checked_is_defined_and_the_other_way_round() -> None:
    text = (PROFILES / "extensions.json").read_bytes()
    bundle = codec.decode(text)
    assert validation.validate(bundle) == []
    defined = {
        (context["expression"], entry["resource"]["url"].removeprefix(URN))
        for entry in bundle["entry"]
        for context in entry["resource"]["context"]
    }
    checked = {(type_, name) for type_, checks in CHECKS.items() for name in checks}
    assert defined == checked
