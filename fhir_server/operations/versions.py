"""$versions, https://hl7.org/fhir/R4/capabilitystatement-operation-versions.html."""

from __future__ import annotations

from fhir_server.codec import encode
from fhir_server.operations.asked import Asked
from fhir_server.repository import Repository


def versions(_: Repository, __: Asked) -> bytes:
    return encode(
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "version", "valueString": "4.0"},
                {"name": "default", "valueString": "4.0"},
            ],
        }
    )
