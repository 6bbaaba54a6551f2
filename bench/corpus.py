"""Records to measure with: Synthea's when they are there, generated ones otherwise."""

from __future__ import annotations

import json
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ARCHIVE = Path("../shared/data/synthea-r4-60-patients.tar.gz")
EXAMPLES = Path("../shared/data/r4-examples.tar.gz")
OBSERVATION = (
    b'{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":'
    b'"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs",'
    b'"display":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8302-2",'
    b'"display":"Body Height"}],"text":"Body Height"},"subject":{"reference":"Patient/%s"},'
    b'"effectiveDateTime":"2011-06-14T08:07:21-04:00","issued":"2011-06-14T08:07:21.337-04:00",'
    b'"valueQuantity":{"value":165.70,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}'
)


def members(archive: Path) -> Iterator[bytes]:
    with tarfile.open(archive) as opened:
        for member in opened:
            stream = opened.extractfile(member) if member.name.endswith(".json") else None
            if stream is not None:
                yield stream.read()


def bundles() -> list[bytes]:
    """Return transaction bundles of creates: each time they are sent they make new resources."""
    return list(members(ARCHIVE)) if ARCHIVE.exists() else [_generated() for _ in range(60)]


def size(bundle: bytes) -> int:
    return len(json.loads(bundle)["entry"])


def _generated() -> bytes:
    patient = f"urn:uuid:{uuid.uuid4()}"
    made: list[dict[str, Any]] = [{"resourceType": "Patient", "gender": "female"}]
    for _ in range(280):
        observation = json.loads(OBSERVATION)
        observation["subject"]["reference"] = patient
        made.append(observation)
    urls = [patient, *(f"urn:uuid:{uuid.uuid4()}" for _ in made[1:])]
    entries = [
        {
            "fullUrl": url,
            "resource": resource,
            "request": {"method": "POST", "url": resource["resourceType"]},
        }
        for url, resource in zip(urls, made, strict=True)
    ]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def ndjson(sent: list[bytes]) -> Iterator[bytes]:
    """Yield the bundles' resources as lines under fresh ids, references following."""
    for raw in sent:
        bundle = json.loads(raw)
        names = {}
        for entry in bundle["entry"]:
            entry["resource"]["id"] = str(uuid.uuid4())
            kind = entry["resource"]["resourceType"]
            names[entry["fullUrl"]] = f"{kind}/{entry['resource']['id']}"
        for entry in bundle["entry"]:
            line = json.dumps(entry["resource"], separators=(",", ":"))
            yield _followed(line, names).encode() + b"\n"


def _followed(line: str, names: dict[str, str]) -> str:
    first, *rest = line.split('"reference":"')
    parts = [part.partition('"') for part in rest]
    return first + "".join(f'"reference":"{names.get(a, a)}"{b}' for a, _, b in parts)
