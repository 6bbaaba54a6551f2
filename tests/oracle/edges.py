"""Resources of our own with what HL7's examples lack: open ends, comparators, accents, near places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_server import codec

Resource = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
_LOINC = "http://loinc.org"
_HERE = "http://edges.example"
_NOTHING = {"extension": [{"url": f"{_HERE}/unknown", "valueString": "unknown"}]}


def resources() -> Iterator[bytes]:
    """Yield each resource's text; its id is "edge-" and a number."""
    made = [*_observations(), *_amounts(), *_people(), *_places(), *_definitions()]
    for number, resource in enumerate(made):
        yield codec.encode({**resource, "id": f"edge-{number}"})


def _observation(**elements: Any) -> Resource:
    code = elements.pop("code", "8867-4")
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": _LOINC, "code": code}]},
        **elements,
    }


def _quantity(value: float, unit: str = "mg", **more: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit, **more}


def _observations() -> Iterator[Resource]:
    for value in (5.5, 95, 100, 105, 0.05, -5.5, 1000, 99.5, 100.5, 150, 50):
        yield _observation(valueQuantity=_quantity(value))
    for comparator in ("<", "<=", ">", ">="):
        yield _observation(valueQuantity=_quantity(5, comparator=comparator))
    for value, unit in ((0.1, "g"), (0.0001, "kg"), (100, "mL"), (0.1, "L"), (36, "Cel"), (1, "h")):
        yield _observation(valueQuantity=_quantity(value, unit), code="29463-7")
    yield _observation(valueQuantity={"value": 7})
    yield _observation(valueQuantity={"value": 7, "unit": "drops"})
    for samples, factor in (("2 4 E 6", 1), ("1.5 U 2.5 L", 2)):
        origin = {"origin": _quantity(10), "period": 1, "dimensions": 1}
        yield _observation(valueSampledData={**origin, "factor": factor, "data": samples})
    for period in ({"start": "2024-02-29"}, {"end": "2024-02"}, _NOTHING):
        yield _observation(effectivePeriod=period)
    yield _observation(effectivePeriod={"start": "2024-01-31T23:30:00-05:00", "end": "2024-02-01"})
    for moment in ("2023", "2023-12", "2023-12-31", "2023-12-31T23:59:59.999+14:00"):
        yield _observation(effectiveDateTime=moment)
    yield _observation(effectiveInstant="2024-02-29T12:00:00.5Z")
    yield _observation(effectiveTiming={"event": ["2024-03-01", "2024-03-05T10:00:00Z"]})
    bounds = {"start": "2024-03-02", "end": "2024-03-04"}
    yield _observation(effectiveTiming={"repeat": {"boundsPeriod": bounds}})
    yield _observation(effectiveTiming={"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}})
    yield from _components()


def _components() -> Iterator[Resource]:
    """Two codes and two values each; only the pairs that stand together are right."""
    for upper, lower in ((120, 80), (80, 120)):
        yield _observation(
            code="85354-9",
            component=[
                {
                    "code": {"coding": [{"system": _LOINC, "code": code}]},
                    "valueQuantity": _quantity(value, "mm[Hg]"),
                }
                for code, value in (("8480-6", upper), ("8462-4", lower))
            ],
        )
    for text in ("Ja", "jawohl, natürlich"):
        yield _observation(code="9-9", valueString=text)
    yield _observation(code="9-9", valueCodeableConcept={"text": "Äpfel  und Birnen"})
    yield _observation(code="9-9", valueDateTime="2024-02-29")


def _amounts() -> Iterator[Resource]:
    subject = {"reference": "Patient/example"}
    ranges: list[Resource] = [
        {"low": _quantity(25, "%"), "high": _quantity(75, "%")},
        {"low": _quantity(50, "%")},
        {"high": _quantity(50, "%")},
    ]
    for probability in ranges:
        prediction = [{"probabilityRange": probability}]
        yield {"resourceType": "RiskAssessment", "status": "final", "subject": subject,
               "prediction": prediction}  # fmt: skip
    for number in (0.5, 0.25, 0.15):
        yield {"resourceType": "RiskAssessment", "status": "final", "subject": subject,
               "prediction": [{"probabilityDecimal": number}]}  # fmt: skip
    years = {"low": _quantity(30, "a"), "high": _quantity(40, "a")}
    for onset in ({"onsetRange": years}, {"onsetAge": _quantity(18, "mo")}, {"onsetAge": _quantity(1.5, "a")},
                  {"onsetRange": {"low": _quantity(35, "a")}}):  # fmt: skip
        yield {"resourceType": "Condition", "subject": subject, **onset}
    for value, currency in ((12.5, "EUR"), (12.5, "USD"), (13, "EUR")):
        yield {"resourceType": "Invoice", "status": "issued",
               "totalNet": {"value": value, "currency": currency}}  # fmt: skip


def _people() -> Iterator[Resource]:
    names: list[Resource] = [
        {"family": "Müller-Ångström", "given": ["Zoë", "Marie  Luise"], "prefix": ["Dr."]},
        {"text": "STRASSE, \\ Anna | B$"},
        {"family": "Straße", "suffix": ["Jr"]},
        {"family": "x" * 210},
        _NOTHING,
    ]
    for number, name in enumerate(names):
        kind = {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]
        }
        yield {
            "resourceType": "Patient",
            "name": [name],
            "identifier": [
                {"system": _HERE, "value": f"A|{number}", "type": kind},
                {"value": "z,9"},
            ],
            "telecom": [
                {"system": "phone", "value": "+49 1"},
                {"system": "email", "value": "A@b.c"},
            ],
            "address": [{"line": ["Rue de l'Été 1"], "city": "Besançon", "use": "home"}],
            "birthDate": f"198{number}-02-28",
            "meta": {
                "tag": [{"system": _HERE, "code": "Edge"}],
                "profile": [f"{_HERE}/StructureDefinition/a|{number}"],
                "source": f"{_HERE}/source/{number}",
                "security": [{"code": "R"}],
            },
        }
    yield {"resourceType": "Patient", "deceasedDateTime": "2020", "managingOrganization": {
        "identifier": {"system": _HERE, "value": "org"}, "display": "no literal"}}  # fmt: skip


def _places() -> Iterator[Resource]:
    for latitude, longitude in ((52.52, 13.405), (52.5, 13.4), (53.55, 10.0), (0, 179.9), (0, -179.9),
                                (89.9, 0), (89.9, 180), (-33.87, 151.21)):  # fmt: skip
        position = {"latitude": latitude, "longitude": longitude}
        yield {"resourceType": "Location", "position": position}
    yield {"resourceType": "Location", "name": "without a position"}


def _definitions() -> Iterator[Resource]:
    for path in ("a", "a/b", "a/b/", "ab", "a/b/c|1", ""):
        yield {"resourceType": "ValueSet", "status": "draft", "url": f"{_HERE}/{path}"}
    for urn in ("urn:oid:1.2.3", "urn:oid:1.2", "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"):
        yield {"resourceType": "ValueSet", "status": "draft", "url": urn}
    code = {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "age"}
    for value in ({"valueQuantity": _quantity(18, "a")}, {"valueRange": {"low": _quantity(18, "a")}},
                  {"valueCodeableConcept": {"coding": [{"system": _HERE, "code": "adult"}]}}):  # fmt: skip
        yield {"resourceType": "PlanDefinition", "status": "draft",
               "useContext": [{"code": code, **value}]}  # fmt: skip
    yield {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "entry": [{"item": {"reference": f"Patient/{id_}"}} for id_ in ("example", "f001")],
    }
