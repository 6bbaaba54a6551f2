"""Where an exact walk stands and what it has found, https://hl7.org/fhir/R4/operationoutcome.html."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.errors import Issue
from fhir_server.validation.primitives import Fault


@dataclass(frozen=True, slots=True)
class Report:
    """The issues of one resource, and what its elements refer to while they are walked."""

    issues: list[Issue]
    resource: Mapping[str, Any]
    """FHIRPath's %resource."""
    contained: Mapping[str, str]
    """Id -> type of what the resource or its container contains."""
    is_contained: bool = False

    def add(self, code: str, where: str, sentence: str) -> None:
        self.issues.append(Issue(code, sentence, where))

    def add_fault(self, fault: Fault | None, where: str) -> bool:
        """Add a fault if there is one, and tell whether there was."""
        if fault:
            self.add(fault.code, where, fault.sentence)
        return fault is not None
