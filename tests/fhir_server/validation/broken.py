"""All resources that break R4 in one way each: name, resource, issue code and expression."""

from __future__ import annotations

from tests.fhir_server.validation.broken_datatypes import CLINICAL
from tests.fhir_server.validation.broken_documents import DOCUMENTS
from tests.fhir_server.validation.broken_references import REFERENCES
from tests.fhir_server.validation.broken_structures import CODES, NESTED, STRUCTURES
from tests.fhir_server.validation.broken_values import VALUES

BROKEN = (*VALUES, *STRUCTURES, *CODES, *REFERENCES, *CLINICAL, *DOCUMENTS, *NESTED)
