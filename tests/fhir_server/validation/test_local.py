"""Our own extensions are held to what reads them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_server import codec, validation
from fhir_server.definitions import extensions
from fhir_server.scheduling.offer import offer_of
from fhir_server.validation.local import CHECKS
from tests.fhir_server.scheduling import offers

PROFILES = Path(__file__).parents[3] / "profiles" / "local"
URN = offers.URN


def parts(**values: Any) -> list[dict[str, Any]]:
    kinds = {"day": "valueCode", "from": "valueTime", "to": "valueTime", "date": "valueDate"}
    kinds["note"] = "valueString"
    return [
        {"url": name.rstrip("_"), kinds[name.rstrip("_")]: value} for name, value in values.items()
    ]


WRONG: list[dict[str, Any]] = [
    {"url": f"{URN}time-zone", "valueCode": "Middle/Earth"},
    {"url": f"{URN}hours", "extension": parts(day="mon", from_="09:00:00")},
    {"url": f"{URN}hours", "extension": parts(day="day", from_="09:00:00", to="10:00:00")},
    {"url": f"{URN}hours", "extension": parts(day="mon", from_="10:00:00", to="09:00:00")},
    {"url": f"{URN}hours", "valueString": "mon"},
    {
        "url": f"{URN}hours",
        "extension": parts(day="mon", from_="09:00:00", to="10:00:00", note="x"),
    },
    {
        "url": f"{URN}hours",
        "extension": [*parts(day="mon", from_="09:00:00", to="10:00:00"), *parts(day="tue")],
    },
    {
        "url": f"{URN}hours",
        "extension": [
            {"url": "day", "valueString": "mon"},
            *parts(from_="09:00:00", to="10:00:00"),
        ],
    },
    {"url": f"{URN}exception", "extension": parts(date="2026")},
    {"url": f"{URN}exception", "extension": parts(date="2026-01-01", from_="09:00:00")},
    {"url": f"{URN}slot-minutes", "valuePositiveInt": 5},
    {"url": f"{URN}slot-minutes", "valueString": "30"},
    {"url": f"{URN}slot-minutes", "valueInteger": 30},
    {"url": f"{URN}booking", "valueString": "instant"},
    {"url": f"{URN}meeting", "valueUri": "https://video.example/{room}"},
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
    once = not wrong["url"].endswith(":hours")
    others = [each for each in schedule["extension"] if not (once and each["url"] == wrong["url"])]
    schedule["extension"] = [others[0], wrong, *others[1:]]
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


def appointment(extension: dict[str, Any]) -> dict[str, Any]:
    people = ("Patient/ada", "Practitioner/osei")
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "participant": [{"actor": {"reference": each}, "status": "accepted"} for each in people],
        "extension": [extension],
    }


def test_a_hold_is_written_as_what_reads_it_expects() -> None:
    url, until = f"{URN}held-until", "2026-01-01T09:00:00Z"
    assert validation.validate(appointment({"url": url, "valueInstant": until})) == []
    (issue,) = validation.validate(appointment({"url": url, "valueDateTime": until}))
    assert issue.expression == "Appointment.extension[0]"
    assert "valueInstant" in issue.diagnostics


def test_what_is_said_once_is_refused_where_it_is_said_again() -> None:
    schedule = offers.schedule()
    schedule["extension"].append({"url": f"{URN}booking", "valueCode": "free"})
    (issue,) = validation.validate(schedule)
    assert issue.expression == f"Schedule.extension[{len(schedule['extension']) - 1}]"
    assert "once" in issue.diagnostics


def test_the_extensions_are_defined_in_r4_and_what_is_checked_further_is_defined() -> None:
    text = (PROFILES / "extensions.json").read_bytes()
    assert validation.validate(codec.decode(text)) == []
    for type_, checks in CHECKS.items():
        assert checks.keys() <= extensions.of_type(type_).keys()
    assert extensions.of_type("Practitioner").keys() == {"biography"}
    assert extensions.of_type("Patient") == {}
