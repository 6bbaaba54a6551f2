"""Whether one element obeys its invariants, https://hl7.org/fhir/R4/conformance-rules.html#constraints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fhir_server.validation import fhirpath_rules, rules
from fhir_server.validation.checks import checks
from fhir_server.validation.report import Report


def check_invariants(node: Any, path: str, where: str, report: Report) -> None:
    """Report what is broken of the invariants declared at the path, which is also the element's type."""
    for sentence in _broken(node, path, report):
        report.add("invariant", where, sentence)


def _broken(node: Any, path: str, report: Report) -> Iterator[str]:
    for declared in rules.declared_at(path):
        for rule in rules.rules(declared):
            if not rules.holds(rule, declared, node):
                yield rule.sentence
        for check in checks(declared):
            if not _obeys(check.holds, node):
                yield f"{check.key}: {check.sentence}."
        for constraint in fhirpath_rules.rules(declared):
            if not fhirpath_rules.holds(constraint, node, report.resource):
                yield f"{constraint.key}: this has to hold: {constraint.expression}"


def _obeys(holds: Callable[[Mapping[str, Any]], bool], node: Mapping[str, Any]) -> bool:
    try:
        return holds(node)
    except (TypeError, AttributeError, LookupError, ValueError, ArithmeticError):
        # Its structure is wrong, which is reported, or a null stands beside an extension.
        return True
