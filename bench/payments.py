"""Claims and benefits of a generated record: half of its bytes, as in Synthea's."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random

from bench import vocabulary
from bench.parts import META, Record, Resource, Visit, coded, plain, written
from bench.vocabulary import SNOMED, TERMINOLOGY

ADJUDICATION = "https://example.org/adjudication"
ADJUDICATED = (
    ("line-coinsurance-amount", "Line Beneficiary Coinsurance Amount", Decimal("0.2")),
    ("line-provider-payment-amount", "Line Provider Payment Amount", Decimal("0.8")),
    ("line-submitted-charge-amount", "Line Submitted Charge Amount", Decimal(1)),
    ("line-allowed-charge-amount", "Line Allowed Charge Amount", Decimal(1)),
    ("line-deductible-amount", "Line Beneficiary Part B Deductible Amount", Decimal(0)),
)


def money(amount: Decimal) -> Resource:
    return {"value": round(amount, 2), "currency": "USD"}


def charged(random: Random) -> Decimal:
    return Decimal(random.randrange(5000, 900000)) / 100


def claim(record: Record, visit: Visit) -> Resource:
    random = record.random
    return {
        **record.new("Claim"),
        "status": "active",
        "type": plain("claim-type", random.choices(("institutional", "pharmacy"), (4, 1))[0]),
        "use": "claim",
        "patient": record.subject(),
        "billablePeriod": {"start": written(visit.start), "end": written(visit.end)},
        "created": written(visit.end),
        "provider": {"reference": visit.organization},
        "priority": plain("processpriority", "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"display": "private"}}],
        "item": [_claimed(random, visit, number) for number in range(1, lines(random) + 1)],
        "total": money(charged(random)),
        "meta": META,
    }


def lines(random: Random) -> int:
    return random.choices((1, 2, 3, 4, 5, 6), (356, 705, 354, 135, 49, 60))[0]


def _claimed(random: Random, visit: Visit, number: int) -> Resource:
    if number == 1:
        product = coded(SNOMED, *visit.kind)
        return {
            "sequence": 1,
            "productOrService": product,
            "encounter": [{"reference": visit.reference}],
        }
    return {
        "sequence": number,
        "productOrService": coded(SNOMED, *vocabulary.PROCEDURES.draw(random)),
        "net": money(charged(random)),
    }


def benefit(record: Record, visit: Visit) -> Resource:
    """Make an ExplanationOfBenefit of one of the record's claims, with all that is adjudicated."""
    random = record.random
    claimed = random.choice(record.of("Claim"))["id"] if record.of("Claim") else ""
    who = {"reference": visit.practitioner}
    care = {"sequence": 1, "provider": who, "role": plain("claimcareteamrole", "primary")}
    until = {"start": written(visit.end), "end": written(visit.end + timedelta(days=365))}
    number = {
        "system": "https://example.org/claims",
        "value": claimed or str(random.getrandbits(60)),
    }
    return {
        **record.new("ExplanationOfBenefit"),
        "contained": _contained(record, who),
        "identifier": [
            number,
            {"system": "https://example.org/claim-groups", "value": "99999999999"},
        ],
        "status": "active",
        "type": plain("claim-type", "institutional"),
        "use": "claim",
        "patient": record.subject(),
        "billablePeriod": until,
        "created": written(visit.end),
        "insurer": {"display": "private"},
        "provider": who,
        "referral": {"reference": "#referral"},
        **({"claim": {"reference": f"Claim/{claimed}"}} if claimed else {}),
        "outcome": "complete",
        "careTeam": [care],
        "insurance": [
            {"focal": True, "coverage": {"reference": "#coverage", "display": "private"}}
        ],
        "item": [_adjudicated(random, visit, line) for line in range(1, lines(random) + 1)],
        "total": [
            {"category": plain("adjudication", "submitted"), "amount": money(charged(random))}
        ],
        "payment": {"amount": money(charged(random))},
        "meta": META,
    }


def _contained(record: Record, who: Resource) -> list[Resource]:
    referral = {"resourceType": "ServiceRequest", "id": "referral", "status": "completed"}
    coverage = {"resourceType": "Coverage", "id": "coverage", "status": "active"}
    return [
        {
            **referral,
            "intent": "order",
            "subject": record.subject(),
            "requester": who,
            "performer": [who],
        },
        {
            **coverage,
            "type": {"text": "private"},
            "beneficiary": record.subject(),
            "payor": [{"display": "private"}],
        },
    ]


def _adjudicated(random: Random, visit: Visit, number: int) -> Resource:
    net = charged(random)
    service = visit.kind if number == 1 else vocabulary.PROCEDURES.draw(random)
    return {
        "sequence": number,
        "category": coded("https://example.org/line-categories", "1", "Medical care"),
        "productOrService": coded(SNOMED, *service),
        "servicedPeriod": {"start": written(visit.start), "end": written(visit.end)},
        "locationCodeableConcept": coded(
            TERMINOLOGY + "ex-serviceplace", "21", "Inpatient Hospital"
        ),
        "encounter": [{"reference": visit.reference}],
        "net": money(net),
        "adjudication": [
            {"category": coded(ADJUDICATION, code, text), "amount": money(net * share)}
            for code, text, share in ADJUDICATED
        ],
    }
