"""Validation: what gets in is R4 (https://hl7.org/fhir/R4/validation.html).

    validate(resource) -> list[Issue]     [] when valid
    check(resource)                       raises errors.Invalid when it is not

Most resources pass the fast lane (`plain`: a compiled JSON Schema and a few functions). What it does
not accept goes through the exact walk (`structure`), which alone decides and lists every problem.
"""

from __future__ import annotations

from typing import Any

from fhir_server.errors import Invalid, Issue
from fhir_server.validation import profiles
from fhir_server.validation.local import problems
from fhir_server.validation.plain import is_plain
from fhir_server.validation.structure import explain

__all__ = ["check", "validate"]


def validate(resource: dict[str, Any], *, path: str = "") -> list[Issue]:
    """List every problem of a decoded resource, of whatever shape; path stands for it in expressions."""
    issues = [] if is_plain(resource) else explain(resource, path)
    if not issues and "extension" in resource:
        issues = list(problems(resource, path))
    if not issues:
        for profile in profiles.applying(resource):
            issues += profiles.problems(resource, profile, path)
    return issues


def check(resource: dict[str, Any]) -> None:
    """Raise Invalid with every problem when there is one of severity error or fatal."""
    issues = validate(resource)
    if any(issue.severity in ("error", "fatal") for issue in issues):
        raise Invalid(issues=issues)
