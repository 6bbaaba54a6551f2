"""Generated patients, practitioners and organizations; nobody is meant."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from bench import vocabulary
from bench.parts import META, TODAY, Resource, coded, new_id, written
from bench.vocabulary import TERMINOLOGY


def patient(random: Random, id_: str) -> tuple[Resource, datetime]:
    """Return the Patient and when they were born."""
    born = TODAY - timedelta(days=random.uniform(365, 90 * 365))
    name = {"use": "official", "family": vocabulary.family(random)}
    resource = {
        "resourceType": "Patient",
        "id": id_,
        "text": {"status": "generated", "div": _story(random)},
        "extension": _extensions(random),
        "identifier": _identifiers(random),
        "name": [{**name, "given": [vocabulary.given(random), vocabulary.given(random)]}],
        "telecom": [{"system": "phone", "value": _phone(random), "use": "home"}],
        "gender": random.choice(("female", "male")),
        "birthDate": born.date().isoformat(),
        "address": [_address(random)],
        "maritalStatus": coded(TERMINOLOGY + "v3-MaritalStatus", "M", "Married"),
        "multipleBirthBoolean": False,
        "communication": [{"language": coded("urn:ietf:bcp:47", "en-US", "English")}],
        "meta": META,
    }
    if random.random() < 0.05:
        resource["deceasedDateTime"] = written(TODAY - (TODAY - born) * (random.random() * 0.3))
    return resource, born


def _story(random: Random) -> str:
    return (
        '<div xmlns="http://www.w3.org/1999/xhtml">Generated for measurements; no person is meant. '
        f"Seed of the person: {random.getrandbits(63)}, of the population: 1</div>"
    )


def _extensions(random: Random) -> list[Resource]:
    """Return what the US Core profile adds, race and birth sex, and the mother's name."""
    core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
    groups = (("race", "2106-3", "White"), ("ethnicity", "2186-5", "Not Hispanic or Latino"))
    extensions: list[Resource] = [
        {
            "url": core + name,
            "extension": [_group(code, text), {"url": "text", "valueString": text}],
        }
        for name, code, text in groups
    ]
    mother = f"{vocabulary.given(random)} {vocabulary.family(random)}"
    maiden = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"
    birthplace = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    town = {"city": vocabulary.place(random), "state": "Massachusetts", "country": "US"}
    return [
        *extensions,
        {"url": maiden, "valueString": mother},
        {"url": core + "birthsex", "valueCode": random.choice("FM")},
        {"url": birthplace, "valueAddress": town},
    ]


def _group(code: str, text: str) -> Resource:
    coding = {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": text}
    return {"url": "ombCategory", "valueCoding": coding}


def _identifiers(random: Random) -> list[Resource]:
    kinds = (
        ("MR", "Medical Record Number", "https://example.org/hospital/mrn", new_id(random)),
        ("SS", "Social Security Number", "http://hl7.org/fhir/sid/us-ssn", _digits(random, 9)),
        ("DL", "Driver's License", "urn:oid:2.16.840.1.113883.4.3.25", f"S{_digits(random, 8)}"),
        ("PPN", "Passport Number", "https://example.org/passport", f"X{_digits(random, 8)}X"),
    )
    return [
        {"type": coded(TERMINOLOGY + "v2-0203", code, text), "system": system, "value": value}
        for code, text, system, value in kinds
    ]


def _digits(random: Random, count: int) -> str:
    return f"{random.randrange(10**count):0{count}}"


def _phone(random: Random) -> str:
    return f"555-{_digits(random, 3)}-{_digits(random, 4)}"


def _address(random: Random) -> Resource:
    return {
        "line": [f"{random.randrange(1, 999)} {vocabulary.family(random)} Street"],
        "city": vocabulary.place(random),
        "state": "Massachusetts",
        "postalCode": f"0{_digits(random, 4)}",
        "country": "US",
    }


def organization(random: Random, id_: str) -> Resource:
    return {
        "resourceType": "Organization",
        "id": id_,
        "identifier": [{"system": "https://example.org/organizations", "value": id_}],
        "active": True,
        "type": [coded(TERMINOLOGY + "organization-type", "prov", "Healthcare Provider")],
        "name": f"{vocabulary.place(random)} {vocabulary.family(random)} Hospital",
        "telecom": [{"system": "phone", "value": _phone(random)}],
        "address": [_address(random)],
        "meta": META,
    }


def practitioner(random: Random, id_: str) -> Resource:
    name = {"family": vocabulary.family(random), "given": [vocabulary.given(random)]}
    return {
        "resourceType": "Practitioner",
        "id": id_,
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": _digits(random, 10)}],
        "active": True,
        "name": [{**name, "prefix": ["Dr."]}],
        "address": [_address(random)],
        "gender": random.choice(("female", "male")),
        "meta": META,
    }
