"""Issues as an OperationOutcome, https://hl7.org/fhir/R4/operationoutcome.html."""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.codec import Resource
from fhir_server.errors import Issue

REFUSALS = "urn:medconsult:refusal"
"""The CodeSystem of reasons, in profiles/local."""
_LONGEST = 1500
"""Characters of a sentence: what it quotes may be as long as a request."""


def outcome(issues: Iterable[Issue]) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def information(text: str) -> Resource:
    return outcome([Issue("informational", text, severity="information")])


def _issue(issue: Issue) -> Resource:
    stated: Resource = {
        "severity": issue.severity,
        "code": issue.code,
        "diagnostics": _told(issue.diagnostics),
    }
    if issue.reason:
        stated["details"] = {"coding": [{"system": REFUSALS, "code": issue.reason}]}
    return stated | ({"expression": [issue.expression]} if issue.expression else {})


def _told(text: str) -> str:
    """Leave out the middle of what is too long: the rule stands at either end."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"
