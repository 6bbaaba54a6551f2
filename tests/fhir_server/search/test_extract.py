"""The compiled extractor and fhirpathpy find a value of a parameter in the same resources.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models

from fhir_server import codec
from fhir_server.definitions import search_parameters, structures
from fhir_server.search.entry import entry
from fhir_server.search.extract import is_indexed
from fhir_server.search.fields import Field, fields

EXAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "r4-examples.tar.gz"

# fhirpathpy has no resolve(); these two are no standard FHIRPath either.
_BEYOND = ("resolve()", "hasExtension", "exists() and")

# The expression finds something, but nothing that a search value of the parameter can mean.
DIFFERENT = {
    "Bundle.composition": "the first entry is no Composition",
    "Bundle.message": "the first entry is no MessageHeader",
    "CarePlan.activity-date": "scheduledString is text, not a date",
    "Consent.source-reference": "sourceAttachment is no reference",
}


@cache
def oracle(resource_type: str, expression: str) -> Any:
    """Compile the alternatives that speak of the type."""
    # R4 writes `as` of many items, which FHIRPath only allows of one; ofType means what R4 means.
    expression = re.sub(r"\(([\w.]+) as (\w+)\)", r"\1.ofType(\2)", expression).replace(
        ".as(", ".ofType("
    )
    own = [part.strip() for part in expression.split("|") if f"{resource_type}." in part]
    return fhirpathpy.compile(" | ".join(own), models["r4"]) if own else None


def examples() -> Iterator[dict[str, Any]]:
    """Yield up to 25 examples of each type."""
    seen: dict[str, int] = {}
    with tarfile.open(EXAMPLES) as archive:
        for member in archive:
            kind = Path(member.name).name.partition("-")[0]
            if member.isfile() and seen.get(kind, 0) < 25 and member.size < 60_000:
                content = archive.extractfile(member)
                assert content
                resource = codec.decode(content.read())
                if structures.is_resource_type(resource["resourceType"]):
                    seen[kind] = seen.get(kind, 0) + 1
                    yield resource


def compared(resource_type: str) -> Iterator[tuple[Field, Any]]:
    """Yield the parameters of the type that both can read; a composite has its own tests."""
    for field in fields(resource_type).values():
        if field.type == "composite":
            continue
        expression = search_parameters.parameters(resource_type)[field.code].expression
        if is_indexed(field) and not any(part in expression for part in _BEYOND):
            compiled = oracle(resource_type, expression)
            if compiled and not field.code.startswith("_"):
                yield field, compiled


@pytest.mark.slow
@pytest.mark.skipif(not EXAMPLES.exists(), reason="HL7's examples are not beside the repository")
def test_compiled_paths_and_fhirpath_find_the_same() -> None:
    different = []
    for resource in examples():
        terms = set(entry(resource).terms)
        plain = codec.decode(codec.encode(resource))
        for field, compiled in compared(resource["resourceType"]):
            found = bool(compiled(plain))
            if field.prefix not in DIFFERENT and (field.present in terms) != found:
                different.append(f"{resource['id']}: {field.prefix}")
    assert different == []
