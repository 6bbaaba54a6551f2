"""The demo practice: a dozen made-up practitioners, what they speak, when they can be booked and for what."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.extensions import claiming
from medconsult.demo_portraits import LOOKS, portrait

Record = dict[str, Any]

SNOMED = "http://snomed.info/sct"
URN = "urn:medconsult:extension:"
ZONE = "Europe/Berlin"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FEES = (30, 40, 60)
_LANGUAGES = {
    "de": "German",
    "en": "English",
    "tr": "Turkish",
    "fr": "French",
    "pt": "Portuguese",
    "ar": "Arabic",
    "pl": "Polish",
    "vi": "Vietnamese",
    "hi": "Hindi",
    "es": "Spanish",
}
_SPECIALTIES = {
    "394814009": "General practice",
    "394582007": "Dermatology",
    "394587001": "Psychiatry",
    "394537008": "Paediatrics",
    "394579002": "Cardiology",
    "394583002": "Endocrinology",
    "394591006": "Neurology",
    "394585009": "Obstetrics and gynaecology",
}


@dataclass(frozen=True, slots=True)
class Doctor:
    """One row of the practice."""

    id: str
    given: str
    family: str
    gender: str
    languages: str
    specialty: str
    """SNOMED CT code."""
    hours: str
    """Days, then spans: "mon-fri 09-12 14-17"."""
    booking: str
    fee: int
    """EUR; 0 for none."""
    biography: str

    @property
    def name(self) -> str:
        return f"Dr. {self.given} {self.family}"

    @property
    def schedule(self) -> str:
        return f"{self.id}-video"


# fmt: off
DOCTORS = (
    Doctor("demo-osei", "Grace", "Osei", "female", "en de fr", "394814009", "mon-fri 09-12 14-17", "approve", 40,
           "Twenty years in general practice, the last five mostly by video. Likes a clear question to start from."),
    Doctor("demo-lindqvist", "Maja", "Lindqvist", "female", "en de", "394582007", "mon-thu 08-12", "approve", 60,
           "Skin, hair and nails. A sharp picture beforehand saves half the visit."),
    Doctor("demo-rahman", "Tariq", "Rahman", "male", "en ar", "394579002", "tue-fri 10-13 15-18", "instant", 60,
           "Heart and blood pressure. Have your last readings at hand."),
    Doctor("demo-nowak", "Piotr", "Nowak", "male", "pl de", "394814009", "mon-fri 07-11", "instant", 30,
           "Early riser: the first times of the day are his."),
    Doctor("demo-tran", "Linh", "Tran", "female", "vi de en", "394537008", "mon-sat 09-13", "approve", 40,
           "Children and those who worry about them."),
    Doctor("demo-santos", "Rafael", "Santos", "male", "pt es en", "394587001", "mon-thu 13-19", "approve", 60,
           "Talks about sleep, worry and low mood, one thing at a time."),
    Doctor("demo-yilmaz", "Defne", "Yilmaz", "female", "tr de", "394585009", "mon-fri 10-14", "approve", 40,
           "Pregnancy, contraception and everything that is awkward to ask."),
    Doctor("demo-iyer", "Meera", "Iyer", "female", "hi en", "394583002", "wed-sun 11-16", "instant", 40,
           "Diabetes and the thyroid; explains numbers until they make sense."),
    Doctor("demo-okafor", "Chidi", "Okafor", "male", "en", "394591006", "mon-wed 09-12 13-16", "approve", 60,
           "Headaches, dizziness and what comes after a concussion."),
    Doctor("demo-berg", "Ingrid", "Berg", "female", "de en", "394814009", "mon-fri 16-21", "instant", 30,
           "The evening surgery, for people who work all day."),
    Doctor("demo-moreau", "Luc", "Moreau", "male", "fr en", "394582007", "tue-sat 12-17", "approve", 40,
           "Acne, eczema, moles. Says plainly when you have to come in person."),
    Doctor("demo-haddad", "Rania", "Haddad", "female", "ar fr en", "394814009", "mon-sun 08-10 18-20", "free", 0,
           "First advice without a fee, paid for by the practice."),
)
# fmt: on


def practice() -> Iterator[Record]:
    """Yield the organization, the fees, then of each doctor the person, the role and the schedule."""
    yield {
        "resourceType": "Organization",
        "id": "demo-practice",
        "active": True,
        "name": "Harbour Street Practice",
    }
    yield from map(_fee, FEES)
    for doctor in DOCTORS:
        yield _practitioner(doctor)
        yield _picture(doctor)
        yield _role(doctor)
        yield _schedule(doctor)


def _fee(euros: int) -> Record:
    component = {"type": "base", "amount": {"value": euros, "currency": "EUR"}}
    return {
        "resourceType": "ChargeItemDefinition",
        "meta": claiming("fee"),
        "id": f"demo-fee-{euros}",
        "url": f"urn:medconsult:fee:video-{euros}",
        "status": "active",
        "title": "Video consultation",
        "propertyGroup": [{"priceComponent": [component]}],
    }


def _practitioner(doctor: Doctor) -> Record:
    return {
        "resourceType": "Practitioner",
        "meta": claiming("practitioner"),
        "id": doctor.id,
        "active": True,
        "extension": [{"url": f"{URN}biography", "valueMarkdown": doctor.biography}],
        "name": [{"family": doctor.family, "given": [doctor.given], "prefix": ["Dr."]}],
        "gender": doctor.gender,
        "photo": [{"contentType": "image/jpeg", "url": f"Binary/{doctor.id}-picture"}],
        "communication": [
            {"coding": [{"system": "urn:ietf:bcp:47", "code": code}], "text": _LANGUAGES[code]}
            for code in doctor.languages.split()
        ],
        "qualification": [{"code": {"text": f"Specialist in {_SPECIALTIES[doctor.specialty]}"}}],
    }


def _picture(doctor: Doctor) -> Record:
    return {
        "resourceType": "Binary",
        "id": f"{doctor.id}-picture",
        "contentType": "image/jpeg",
        "securityContext": {"reference": f"Practitioner/{doctor.id}"},
        "data": base64.b64encode(portrait(LOOKS[doctor.id])).decode(),
    }


def _specialty(doctor: Doctor) -> list[Record]:
    coding = {"system": SNOMED, "code": doctor.specialty}
    return [{"coding": [coding], "text": _SPECIALTIES[doctor.specialty]}]


def _role(doctor: Doctor) -> Record:
    return {
        "resourceType": "PractitionerRole",
        "meta": claiming("practitioner-role"),
        "id": f"{doctor.id}-gp" if doctor.id == "demo-osei" else f"{doctor.id}-role",
        "practitioner": {"reference": f"Practitioner/{doctor.id}"},
        "organization": {"reference": "Organization/demo-practice"},
        "specialty": _specialty(doctor),
    }


def _schedule(doctor: Doctor) -> Record:
    fee = {"url": f"{URN}fee", "valueCanonical": f"urn:medconsult:fee:video-{doctor.fee}"}
    rule = [
        {"url": "free-hours", "valueUnsignedInt": 24},
        {"url": "percent", "valueDecimal": 50},
    ]
    return {
        "resourceType": "Schedule",
        "meta": claiming("schedule"),
        "id": doctor.schedule,
        "active": True,
        "serviceType": [{"text": "Video consultation"}],
        "specialty": _specialty(doctor),
        "actor": [{"reference": f"Practitioner/{doctor.id}", "display": doctor.name}],
        "extension": [
            {"url": f"{URN}time-zone", "valueCode": ZONE},
            {"url": f"{URN}slot-minutes", "valuePositiveInt": 30},
            {"url": f"{URN}notice-hours", "valueUnsignedInt": 2},
            {"url": f"{URN}booking", "valueCode": doctor.booking},
            {"url": f"{URN}meeting", "valueString": "/demo/room/{room}"},
            {"url": f"{URN}cancellation", "extension": rule},
            *([fee] if doctor.fee else []),
            *(_hours(*each) for each in spans(doctor)),
        ],
    }


def spans(doctor: Doctor) -> Iterator[tuple[str, int, int]]:
    """Yield day, first hour and last hour of each span of the week."""
    days, *written = doctor.hours.split()
    first, last = (DAYS.index(each) for each in days.split("-"))
    for day in DAYS[first : last + 1]:
        for each in written:
            opens, closes = each.split("-")
            yield day, int(opens), int(closes)


def _hours(day: str, opens: int, closes: int) -> Record:
    return {
        "url": f"{URN}hours",
        "extension": [
            {"url": "day", "valueCode": day},
            {"url": "from", "valueTime": f"{opens:02}:00:00"},
            {"url": "to", "valueTime": f"{closes:02}:00:00"},
        ],
    }
