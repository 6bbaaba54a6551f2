"""What is R4 is accepted: HL7's examples and Synthea's records but for those that truly break R4."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_server import codec
from fhir_server.validation import validate
from tests.fhir_server.validation.broken_values import EVERY_PRIMITIVE, GOOD_VALUES
from tests.fhir_server.validation.rows import condition, narrative, observation, patient

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
EXAMPLES = SHARED / "r4-examples.tar.gz"
SYNTHEA = SHARED / "synthea-r4-60-patients.tar.gz"

# HL7's own examples that HL7's own rules refuse.
TRULY_BROKEN = {
    "DeviceMetric-example.json": "parent may be a Device; the example refers to a DeviceDefinition",
    "Observation-clinical-gender.json": "performer may not be an Encounter",
    "Questionnaire-qs1.json": "32 items have no linkId, which has cardinality 1..1",
}

_O = {"resourceType": "Organization", "id": "o", "name": "A"}
VALID: dict[str, dict[str, Any]] = {
    "29 February of a leap year": patient(birthDate="2024-02-29"),
    "29 February 2000": patient(birthDate="2000-02-29"),
    "year only": patient(birthDate="1970"),
    "leap second": observation(effectiveDateTime="2016-12-31T23:59:60Z"),
    "extension instead of a value": patient(
        _birthDate={"extension": [{"url": "x:y", "valueCode": "unknown"}]}
    ),
    "value and extension": patient(birthDate="2020", _birthDate={"id": "a"}),
    "nulls beside extensions": patient(
        name=[
            {
                "given": ["a", None],
                "_given": [None, {"extension": [{"url": "x:y", "valueCode": "b"}]}],
            }
        ]
    ),
    "shorter extensions": patient(name=[{"given": ["a", "b"], "_given": [{"id": "x"}]}]),
    "required by its extension": {
        **observation(),
        "_status": {"extension": [{"url": "x:y", "valueCode": "unknown"}]},
    },
    "choice by its extension": observation(_valueString={"id": "a"}),
    "contained": patient(contained=[_O], managingOrganization={"reference": "#o"}),
    "contained refers to its container": {
        **patient(id="p"),
        "contained": [
            {"resourceType": "Person", "id": "x", "link": [{"target": {"reference": "#"}}]}
        ],
        "link": [{"type": "refer", "other": {"reference": "RelatedPerson/1"}}],
    },
    "urn reference": condition(
        subject={"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}
    ),
    "conditional reference": condition(subject={"reference": "Patient?identifier=a|b"}),
    "absolute reference": condition(
        subject={"reference": "https://x.org/fhir/Patient/1/_history/2"}
    ),
    "foreign reference": condition(subject={"reference": "https://x.org/who/is/this.html"}),
    "reference with type": condition(subject={"reference": "Patient/1", "type": "Patient"}),
    "logical reference": condition(subject={"identifier": {"value": "1"}}),
    "period within a day": patient(
        name=[{"period": {"start": "2024-01-01T10:00:00Z", "end": "2024-01-01"}}]
    ),
    "open period": patient(name=[{"period": {"start": "2024"}}]),
    "unlike units": observation(
        valueRange={"low": {"value": 2, "unit": "cm"}, "high": {"value": 1, "unit": "m"}}
    ),
    "entities": narrative("a&nbsp;b &amp; c &#169;"),
    "picture": narrative('<img src="data:image/png;base64,TWFu" alt="x"/>'),
    "wrapped base64": patient(photo=[{"contentType": "image/png", "data": "TWFu\nTWFu"}]),
    "emoji and marks": patient(name=[{"family": "\U0001f600\u202eabc\u00a0"}]),
    "several lines": patient(name=[{"text": "a\r\n\tb"}]),
    "empty parameters": {"resourceType": "Parameters"},
    "bare patient": patient(),
}


def _files(archive: Path) -> Iterator[tuple[str, bytes]]:
    if not archive.exists():
        pytest.skip(f"{archive.name} is not beside the repository (../shared/data)")
    with tarfile.open(archive) as members:
        for member in members:
            opened = members.extractfile(member) if member.name.endswith(".json") else None
            if opened:
                yield Path(member.name).name, opened.read()


@pytest.mark.parametrize("name", VALID)
def test_valid_resource_is_accepted(name: str) -> None:
    assert not validate(VALID[name])


@pytest.mark.parametrize("resource", GOOD_VALUES, ids=EVERY_PRIMITIVE)
def test_every_primitive_type_is_accepted(resource: dict[str, Any]) -> None:
    assert not validate(resource)


def test_examples_of_hl7_are_accepted_but_the_truly_broken() -> None:
    refused = {name for name, raw in _files(EXAMPLES) if validate(codec.decode(raw))}
    assert refused == set(TRULY_BROKEN)


def test_validation_leaves_the_resource_as_it_is() -> None:
    for _, raw in _files(EXAMPLES):
        resource = codec.decode(raw)
        before = json.dumps(resource, default=str)
        validate(resource)
        assert json.dumps(resource, default=str) == before


@pytest.mark.slow
def test_synthea_records_are_accepted() -> None:
    refused = [
        issue
        for _, raw in _files(SYNTHEA)
        for entry in codec.decode(raw)["entry"]
        for issue in validate(entry["resource"])
    ]
    assert refused == []
