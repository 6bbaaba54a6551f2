"""Every name in HL7's R4 examples is an element, https://hl7.org/fhir/R4/json.html."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions import structures

BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data" / "r4-examples.tar.gz"
ARCHIVE = Path(os.environ.get("R4_EXAMPLES") or BESIDE)


def examples() -> Iterator[dict[str, Any]]:
    with tarfile.open(ARCHIVE) as files:
        for member in files:
            content = files.extractfile(member)
            if content is not None and member.name.endswith(".json"):
                yield json.load(content)


def unknown_names(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from unknown_names(each, path)
    elif isinstance(value, dict):
        # ExampleScenario.instance has an element of this name, too.
        yield from unknown_below(value, value["resourceType"] if path == "Resource" else path)


def unknown_below(content: dict[str, Any], path: str) -> Iterator[str]:
    named = structures.json_elements(path)
    for name, value in content.items():
        if name == "resourceType" and structures.is_resource_type(path):
            continue
        if name.removeprefix("_") not in named:
            yield f"{path}.{name}"
            continue
        element, type_code = named[name.removeprefix("_")]
        yield from unknown_names(value, structures.child_path(element, type_code))


@pytest.mark.skipif(
    not ARCHIVE.exists(),
    reason="HL7's R4 examples are neither beside the repository nor named by R4_EXAMPLES",
)
def test_every_name_in_hl7s_examples_is_an_element() -> None:
    checked = 0
    for example in examples():
        assert list(unknown_names(example, "Resource")) == [], example.get("id")
        checked += 1
    assert checked > 300


def test_a_wrong_name_is_found() -> None:
    patient = {"resourceType": "Patient", "contact": [{"name": {"familly": "Chalmers"}}]}
    assert list(unknown_names(patient, "Resource")) == ["HumanName.familly"]
