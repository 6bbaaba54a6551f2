"""Issues as an OperationOutcome, https://hl7.org/fhir/R4/operationoutcome.html."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.codec import Resource
from fhir_server.errors import Issue


def outcome(issues: Iterable[Issue]) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def information(text: str) -> Resource:
    return outcome([Issue("informational", text, severity="information")])


def _issue(issue: Issue) -> Resource:
    stated = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.diagnostics}
    return stated | ({"expression": [issue.expression]} if issue.expression else {})
