"""Invariants that are rare enough to be evaluated as FHIRPath, and those that are not evaluated.

https://hl7.org/fhir/R4/conformance-rules.html#constraints. An expression costs 26 to 160 µs and is
parsed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode

from fhir_server.definitions import constraints
from fhir_server.definitions.constraints import Constraint
from fhir_server.fhirpath import MODEL
from fhir_server.validation import rules as presence
from fhir_server.validation.checks import checks

SKIPPED: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("CareTeam.participant", "ctm-1"): "needs resolve(): a look at another resource",
        ("Consent", "ppc-2"): "asks for the placeholder system 'something': always holds",
        ("Consent", "ppc-3"): "asks for the placeholder system 'something': always holds",
        ("Consent", "ppc-4"): "asks for the placeholder system 'something': always holds",
        ("Consent", "ppc-5"): "asks for the placeholder system 'something': always holds",
        ("DomainResource", "dom-3"): "a contained resource that nothing refers to does no harm",
    }
)
"""(path, key) to why it is not checked."""

BUILT_IN = frozenset(
    {
        ("DomainResource", "dom-2"),
        ("DomainResource", "dom-4"),
        ("DomainResource", "dom-5"),
        ("Element", "ele-1"),
        ("Reference", "ref-1"),
        ("Narrative.div", "txt-1"),
        ("Narrative.div", "txt-2"),
    }
)
"""Checked by the walk itself, with the references and in the narrative."""


_focus: Callable[[Any, str], Any] = ResourceNode.create_node


@cache
def rules(path: str) -> tuple[Constraint, ...]:
    """Return the error constraints of this path that no table of ours covers."""
    covered = {row.key for row in presence.rules(path)} | {check.key for check in checks(path)}
    return tuple(
        row
        for row in constraints.constraints(path)
        if row.severity == "error"
        and row.key not in covered
        and (path, row.key) not in SKIPPED
        and (path, row.key) not in BUILT_IN
    )


@cache
def _compiled(expression: str) -> Callable[..., list[Any]]:
    compiled: Callable[..., list[Any]] = fhirpathpy.compile(expression, MODEL, {"traceFn": _ignore})
    return compiled


def _ignore(*_traced: object) -> None:
    """Take what trace() of an expression would print."""


def holds(rule: Constraint, node: Any, resource: Mapping[str, Any]) -> bool:
    """Tell whether the element obeys; an empty result is no false, and an expression that fails decides nothing."""
    context = {"resource": resource, "rootResource": resource, "ucum": "http://unitsofmeasure.org"}
    focus = _focus(node, rule.path.removesuffix("[x]"))
    try:
        result = _compiled(rule.expression)(focus, context)
    except Exception:  # noqa: BLE001 - the library raises whatever it stumbles on
        return True
    return result != [False]
