"""The resources of one generated patient, shaped and sized as Synthea's are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from bench import vocabulary
from bench.parts import META, TODAY, Record, Resource, Visit, coded, new_id, plain, written
from bench.payments import benefit, claim
from bench.people import patient
from bench.vocabulary import LOINC, SNOMED, TERMINOLOGY, UCUM, Measure


def encounter(record: Record, visit: Visit) -> Resource:
    act = {
        "system": TERMINOLOGY + "v3-ActCode",
        "code": vocabulary.VISIT_CLASSES.draw(record.random),
    }
    return {
        "resourceType": "Encounter",
        "id": visit.reference.partition("/")[2],
        "status": "finished",
        "class": act,
        "type": [coded(SNOMED, *visit.kind)],
        "subject": record.subject(),
        "participant": [{"individual": {"reference": visit.practitioner}}],
        "period": {"start": written(visit.start), "end": written(visit.end)},
        "serviceProvider": {"reference": visit.organization},
        "meta": META,
    }


def observation(record: Record, visit: Visit) -> Resource:
    measure = vocabulary.MEASURES.draw(record.random)
    category = coded(TERMINOLOGY + "observation-category", measure.category, measure.category)
    return {
        **record.new("Observation"),
        "status": "final",
        "category": [{"coding": category["coding"]}],
        "code": coded(LOINC, measure.code, measure.display),
        "subject": record.subject(),
        "encounter": {"reference": visit.reference},
        "effectiveDateTime": written(visit.start),
        "issued": visit.start.strftime("%Y-%m-%dT%H:%M:%S.000+00:00"),
        **_value(record.random, measure),
        "meta": META,
    }


def _value(random: Random, measure: Measure) -> Resource:
    if measure is vocabulary.SMOKING:
        return {"valueCodeableConcept": coded(SNOMED, *vocabulary.SMOKERS.draw(random))}
    if measure is vocabulary.BLOOD_PRESSURE:
        parts = vocabulary.PRESSURES
        named = [coded(LOINC, part.code, part.display) for part in parts]
        values = [_quantity(random, part) for part in parts]
        pairs = zip(named, values, strict=True)
        return {"component": [{"code": code, **value} for code, value in pairs]}
    return _quantity(random, measure)


def _quantity(random: Random, measure: Measure) -> Resource:
    number = max(0.1, random.gauss(measure.mean, measure.spread))
    value = Decimal(f"{number:.{measure.digits}f}")
    unit = measure.unit
    return {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit}}


def procedure(record: Record, visit: Visit) -> Resource:
    return {
        **record.new("Procedure"),
        "status": "completed",
        "code": coded(SNOMED, *vocabulary.PROCEDURES.draw(record.random)),
        "subject": record.subject(),
        "encounter": {"reference": visit.reference},
        "performedPeriod": {"start": written(visit.start), "end": written(visit.end)},
        "meta": META,
    }


def immunization(record: Record, visit: Visit) -> Resource:
    return {
        **record.new("Immunization"),
        "status": "completed",
        "vaccineCode": coded(vocabulary.CVX, *vocabulary.VACCINES.draw(record.random)),
        "patient": record.subject(),
        "encounter": {"reference": visit.reference},
        "occurrenceDateTime": written(visit.start),
        "primarySource": True,
        "meta": META,
    }


def report(record: Record, visit: Visit) -> Resource:
    code, display, count = vocabulary.PANELS.draw(record.random)
    known = record.of("Observation")
    first = record.random.randrange(max(1, len(known) - count))
    return {
        **record.new("DiagnosticReport"),
        "status": "final",
        "category": [coded(TERMINOLOGY + "v2-0074", "LAB", "Laboratory")],
        "code": coded(LOINC, code, display),
        "subject": record.subject(),
        "encounter": {"reference": visit.reference},
        "effectiveDateTime": written(visit.start),
        "issued": visit.start.strftime("%Y-%m-%dT%H:%M:%S.000+00:00"),
        "result": [
            {"reference": f"Observation/{each['id']}", "display": each["code"]["text"]}
            for each in known[first : first + count]
        ],
        "meta": META,
    }


def prescription(record: Record, visit: Visit) -> Resource:
    return {
        **record.new("MedicationRequest"),
        "status": record.random.choices(("stopped", "active"), (326, 97))[0],
        "intent": "order",
        "medicationCodeableConcept": coded(
            vocabulary.RXNORM, *vocabulary.MEDICATIONS.draw(record.random)
        ),
        "subject": record.subject(),
        "encounter": {"reference": visit.reference},
        "authoredOn": written(visit.start),
        "requester": {"reference": visit.practitioner},
        "meta": META,
    }


def condition(record: Record, visit: Visit) -> Resource:
    status = record.random.choices(("resolved", "active"), (238, 162))[0]
    ended = {"abatementDateTime": written(visit.end + timedelta(days=14))}
    return {
        **record.new("Condition"),
        "clinicalStatus": plain("condition-clinical", status),
        "verificationStatus": plain("condition-ver-status", "confirmed"),
        "code": coded(SNOMED, *vocabulary.CONDITIONS.draw(record.random)),
        "subject": record.subject(),
        "encounter": {"reference": visit.reference},
        "onsetDateTime": written(visit.start),
        **(ended if status == "resolved" else {}),
        "recordedDate": written(visit.start),
        "meta": META,
    }


def plan(record: Record, visit: Visit) -> Resource:
    code, display = vocabulary.PLANS.draw(record.random)
    story = f'<div xmlns="http://www.w3.org/1999/xhtml">Care plan for {display}.</div>'
    steps = [coded(SNOMED, *vocabulary.PROCEDURES.draw(record.random)) for _ in range(3)]
    return {
        **record.new("CarePlan"),
        "text": {"status": "generated", "div": story},
        "status": record.random.choices(("completed", "active"), (96, 67))[0],
        "intent": "order",
        "category": [coded(SNOMED, code, display)],
        "subject": record.subject(),
        "encounter": {"reference": visit.reference},
        "period": {"start": written(visit.start), "end": written(visit.end + timedelta(days=300))},
        "activity": [{"detail": {"code": step, "status": "completed"}} for step in steps],
        "meta": META,
    }


def goal(record: Record, _: Visit) -> Resource:
    return {
        **record.new("Goal"),
        "lifecycleStatus": "accepted",
        "achievementStatus": plain("goal-achievement", "in-progress"),
        "description": {"text": "Know more of the illness and of what eases it"},
        "subject": record.subject(),
        "meta": META,
    }


def imaging(record: Record, visit: Visit) -> Resource:
    root = f"2.25.{record.random.getrandbits(96)}"
    modality = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "DX"}
    picture = {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840.10008.5.1.4.1.1.1.1"}
    instance = {
        "uid": f"{root}.1.1",
        "sopClass": picture,
        "number": 1,
        "title": "Plain chest X-ray",
    }
    series = {"uid": f"{root}.1", "number": 1, "modality": modality, "numberOfInstances": 1}
    return {
        **record.new("ImagingStudy"),
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{root}"}],
        "status": "available",
        "subject": record.subject(),
        "encounter": {"reference": visit.reference},
        "started": written(visit.start),
        "numberOfSeries": 1,
        "numberOfInstances": 1,
        "series": [{**series, "started": written(visit.start), "instance": [instance]}],
        "meta": META,
    }


def allergy(record: Record, visit: Visit) -> Resource:
    return {
        **record.new("AllergyIntolerance"),
        "clinicalStatus": plain("allergyintolerance-clinical", "active"),
        "verificationStatus": plain("allergyintolerance-verification", "confirmed"),
        "type": "allergy",
        "category": ["food"],
        "criticality": "low",
        "code": coded(SNOMED, *vocabulary.ALLERGIES.draw(record.random)),
        "patient": record.subject(),
        "recordedDate": written(visit.start),
        "meta": META,
    }


MAKERS: dict[str, Callable[[Record, Visit], Resource]] = {
    "Observation": observation,
    "Procedure": procedure,
    "Immunization": immunization,
    "DiagnosticReport": report,
    "MedicationRequest": prescription,
    "Condition": condition,
    "CarePlan": plan,
    "Goal": goal,
    "ImagingStudy": imaging,
    "AllergyIntolerance": allergy,
    "Claim": claim,
    "ExplanationOfBenefit": benefit,
}
"""In order: a report names observations that are there, a benefit its claim."""


def visits(record: Record, count: int, born: datetime, staff: Sequence[tuple[str, str]]) -> None:
    """Spread the encounters over the patient's life, most of them over the last ten years."""
    random, life = record.random, TODAY - born
    recent = min(life, timedelta(days=3652))
    for _ in range(count):
        span = recent if random.random() < 0.85 else life
        start = (TODAY - span * random.random()).replace(microsecond=0)
        end = start + timedelta(minutes=random.choice((15, 15, 30, 60)))
        reference = f"Encounter/{new_id(random)}"
        kind = vocabulary.VISITS.draw(random)
        record.visits.append(Visit(reference, start, end, *random.choice(staff), kind))
    record.visits.sort(key=lambda visit: visit.start)


TOTAL = sum(vocabulary.PER_MILLION.values())


def resources(
    random: Random, id_: str, length: int, staff: Sequence[tuple[str, str]]
) -> list[Resource]:
    """Make a whole record of about `length` resources.

    staff: references of practitioners with their organizations, whom the patient sees.
    """
    who, born = patient(random, id_)
    record = Record(random, f"Patient/{id_}")
    counts = {
        kind: int((length - 1) * share / TOTAL + random.random())
        for kind, share in vocabulary.PER_MILLION.items()
    }
    visits(record, max(1, counts["Encounter"]), born, staff)
    record.made["Encounter"] = [encounter(record, visit) for visit in record.visits]
    for kind, make in MAKERS.items():
        made = record.made.setdefault(kind, [])
        for index in range(counts[kind]):
            made.append(make(record, record.visits[index * len(record.visits) // counts[kind]]))
    return [who, *(resource for made in record.made.values() for resource in made)]
