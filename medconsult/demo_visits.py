"""Demo appointments in every state, around today: within the doctors' hours, never two at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from fhir_server.extensions import claiming
from fhir_server.instants import instant
from fhir_server.scheduling.appointments import VIRTUAL, cancelled_for
from medconsult.demo_practice import DAYS, DOCTORS, URN, ZONE, Doctor, Record, spans

HALF_HOUR = timedelta(minutes=30)
_WORDS = (
    "I have been coughing for two weeks.",
    "My blood pressure is higher than usual in the mornings.",
    "A rash on my arm that does not go away.",
    "I would like to talk about my results.",
    "",
    "I sleep badly and am tired all day.",
    "Follow-up after the last visit.",
)
_PAST = ("fulfilled", "fulfilled", "fulfilled", "noshow", "cancelled")
_COMING = ("booked", "booked", "pending", "proposed", "cancelled")


def visits(patients: Sequence[tuple[str, str]], today: date) -> Iterator[Record]:
    """Yield the appointments; patients are ids and names, of whom the first one signs in to the demo."""
    random = Random(7)  # noqa: S311 - made-up data
    taken: set[tuple[str, datetime]] = set()
    number = 0
    for doctor in DOCTORS:
        for offset, states in ((-30, _PAST), (-14, _PAST), (1, _COMING)):
            for status in states[: 2 + number % 3]:
                number += 1
                patient = patients[(number * 7) % len(patients)]
                start = _time(doctor, today + timedelta(days=offset + random.randrange(4)), random)
                if (patient[0], start) in taken or (doctor.id, start) in taken:
                    continue
                taken |= {(patient[0], start), (doctor.id, start)}
                yield _visit(
                    f"demo-a{number:03}", doctor, patient, start, status, random.choice(_WORDS)
                )
    yield from _shown_first(patients, today, taken)


def _shown_first(
    patients: Sequence[tuple[str, str]], today: date, taken: set[tuple[str, datetime]]
) -> Iterator[Record]:
    """Yield what the demo's own patient and practitioner see first."""
    osei, other = DOCTORS[0], DOCTORS[2]
    free = [
        each for each in _times(osei, today + timedelta(days=1), 6) if (osei.id, each) not in taken
    ]
    for number, (patient, status) in enumerate(
        zip(
            patients[1:7],
            ("booked", "proposed", "proposed", "booked", "pending", "booked"),
            strict=True,
        )
    ):
        yield _visit(f"demo-o{number}", osei, patient, free[number], status, _WORDS[number])
    anna = patients[0]
    past = _times(osei, today - timedelta(days=30), 4)[0]
    yield _visit("demo-anna-past", osei, anna, past, "fulfilled", _WORDS[1])
    soon = [
        each
        for each in _times(other, today + timedelta(days=3), 5)
        if (other.id, each) not in taken
    ]
    yield _visit("demo-anna-next", other, anna, soon[0], "booked", _WORDS[1])
    yield _waiting("demo-waits", osei, patients[8], today)


def _waiting(id_: str, doctor: Doctor, patient: tuple[str, str], today: date) -> Record:
    """Return who waits for a time on a Sunday, when the doctor has none."""
    sunday = today + timedelta(days=20 - today.weekday())
    begin, end = (
        datetime.combine(day, time(0), ZoneInfo(ZONE))
        for day in (sunday, sunday + timedelta(days=1))
    )
    without = ("start", "end", "minutesDuration")
    visit = _visit(id_, doctor, patient, begin, "waitlist", _WORDS[5])
    kept = {name: value for name, value in visit.items() if name not in without}
    kept["extension"] = kept["extension"][:1]
    return kept | {"requestedPeriod": [{"start": instant(begin), "end": instant(end)}]}


def _times(doctor: Doctor, first: date, days: int) -> list[datetime]:
    """Return when the doctor's half hours begin, from the day on."""
    found: list[datetime] = []
    for number in range(days):
        day = first + timedelta(days=number)
        for name, opens, closes in spans(doctor):
            if name == DAYS[day.weekday()]:
                begin = datetime.combine(day, time(opens), ZoneInfo(ZONE)).astimezone(UTC)
                found += [begin + HALF_HOUR * step for step in range(2 * (closes - opens))]
    return found


def _time(doctor: Doctor, day: date, random: Random) -> datetime:
    return random.choice(_times(doctor, day, 7))


def _visit(
    id_: str, doctor: Doctor, patient: tuple[str, str], start: datetime, status: str, words: str
) -> Record:
    """Return the appointment; with a fee whatever it was, is paid unless it is still to be."""
    return {
        "resourceType": "Appointment",
        "meta": claiming("appointment"),
        "id": id_,
        "status": status,
        **(
            {"cancelationReason": cancelled_for("cancelled", "The patient could not come")}
            if status == "cancelled"
            else {}
        ),
        "serviceType": [{"text": "Video consultation"}],
        "start": instant(start),
        "end": instant(start + HALF_HOUR),
        "minutesDuration": 30,
        "created": instant(start - timedelta(days=9)),
        **({"comment": words} if words else {}),
        "extension": _extensions(id_, doctor, start, status),
        "participant": [
            _participant(f"Patient/{patient[0]}", patient[1], "accepted"),
            _participant(
                f"Practitioner/{doctor.id}",
                doctor.name,
                "needs-action" if status in ("proposed", "waitlist") else "accepted",
            ),
        ],
    }


def _extensions(id_: str, doctor: Doctor, start: datetime, status: str) -> list[dict[str, Any]]:
    extensions: list[dict[str, Any]] = [
        {"url": f"{URN}schedule", "valueReference": {"reference": f"Schedule/{doctor.schedule}"}}
    ]
    if doctor.fee and status != "cancelled":
        money = {"value": doctor.fee, "currency": "EUR"}
        paid = "open" if status in ("proposed", "pending") else "paid"
        extensions.append({"url": f"{URN}fee", "valueMoney": money})
        extensions.append({"url": f"{URN}payment-status", "valueCode": paid})
    if status == "booked":
        room = {"url": "addressUrl", "valueUrl": f"/demo/room/{id_}"}
        extensions.append({"url": VIRTUAL, "extension": [room]})
    if status in ("proposed", "pending"):
        extensions.append({"url": f"{URN}held-until", "valueInstant": instant(start)})
    return extensions


def _participant(reference: str, name: str, status: str) -> dict[str, Any]:
    return {"actor": {"reference": reference, "display": name}, "status": status}
