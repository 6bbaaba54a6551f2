"""The resources that searches are tried on: HL7's examples and two Synthea patients, the same every time."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from fhir_server import codec
from fhir_server.definitions import structures

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EXAMPLES = _DATA / "r4-examples.tar.gz"
SYNTHEA = _DATA / "synthea-r4-60-patients.tar.gz"
LARGEST = 120_000
_PATIENTS = 2
ABSENT = "HL7's examples and Synthea's patients are not beside the repository"


def is_there() -> bool:
    return EXAMPLES.exists() and SYNTHEA.exists()


def examples(largest: int = LARGEST) -> Iterator[bytes]:
    """Yield the text of each example that is no larger."""
    for _, text in _members(EXAMPLES, largest):
        if structures.is_resource_type(codec.decode(text)["resourceType"]):
            yield text


def synthea() -> Iterator[bytes]:
    """Yield the resources of the smallest patients and the organizations that they refer to."""
    members = sorted(_members(SYNTHEA, 450_000), key=lambda each: len(each[1]))
    chosen = [each for each in members if "hospitalInformation" not in each[0]][:_PATIENTS]
    wanted = b"".join(text for _, text in chosen)
    for _, text in chosen:
        yield from _entries(text)
    hospitals = [text for name, text in members if "hospitalInformation" in name]
    for text in hospitals:
        for each in _entries(text):
            if codec.decode(each)["id"].encode() in wanted:
                yield each


def _entries(bundle: bytes) -> Iterator[bytes]:
    """Yield a transaction's resources as they are once each has its own id."""
    entries = codec.decode(bundle)["entry"]
    names = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in entries
    }
    for entry in entries:
        text = codec.encode(entry["resource"]).decode()
        yield re.sub(
            r"urn:uuid:[0-9a-f-]{36}", lambda found: names.get(found[0], found[0]), text
        ).encode()


def _members(archive: Path, largest: int) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as opened:
        for member in opened:
            content = opened.extractfile(member) if member.isfile() else None
            if content and member.size <= largest:
                yield member.name, content.read()
