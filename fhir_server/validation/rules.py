"""Invariants that only ask which elements are there, as a table.

https://hl7.org/fhir/R4/conformance-rules.html#constraints. Each row gives both the exact check and
a JSON Schema fragment, so that the fast lane need not leave the schema for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from fhir_server.definitions import constraints, structures

Kind = Literal["some", "one", "apart", "needs", "never"]


@dataclass(frozen=True, slots=True)
class Presence:
    """Which of some elements have to be there, or may be together; choices by their stem ("value")."""

    key: str
    kind: Kind
    names: tuple[str, ...]
    others: tuple[str, ...] = ()
    """`needs`: one of these has to stand beside the names; `apart`: none of these may."""

    @property
    def sentence(self) -> str:
        first, then = " or ".join(self.names), " or ".join(self.others)
        said = {
            "some": f"give at least one of {', '.join(self.names)}",
            "one": f"give exactly one of {', '.join(self.names)}",
            "apart": f"give {first} or else {then}, not both",
            "needs": f"with {first} give {then} too",
            "never": f"leave out {first} here",
        }
        return f"{self.key}: {said[self.kind]}."


def _some(key: str, names: str) -> Presence:
    return Presence(key, "some", tuple(names.split()))


def _one(key: str, names: str) -> Presence:
    return Presence(key, "one", tuple(names.split()))


def _apart(key: str, name: str, others: str) -> Presence:
    return Presence(key, "apart", (name,), tuple(others.split()))


def _needs(key: str, name: str, others: str) -> Presence:
    return Presence(key, "needs", (name,), tuple(others.split()))


_TABLE: Mapping[str, tuple[Presence, ...]] = MappingProxyType(
    {
        "Appointment": (_needs("app-2", "start", "end"), _needs("app-2", "end", "start")),
        "Appointment.participant": (_some("app-1", "type actor"),),
        "AppointmentResponse": (_some("apr-1", "participantType actor"),),
        "Attachment": (_needs("att-1", "data", "contentType"),),
        "AuditEvent.entity": (_apart("sev-1", "name", "query"),),
        "Bundle.entry": (_some("bdl-5", "resource request response"),),
        "CapabilityStatement": (
            _some("cpb-1", "rest messaging document"),
            _some("cpb-2", "description software implementation"),
        ),
        "CarePlan.activity": (_apart("cpl-3", "detail", "reference"),),
        "Composition.section": (
            _some("cmp-1", "text entry section"),
            _apart("cmp-2", "emptyReason", "entry"),
        ),
        "Condition.evidence": (_some("con-2", "code detail"),),
        "Condition.stage": (_some("con-1", "summary assessment"),),
        "Consent": (_some("ppc-1", "policy policyRule"),),
        "ContactPoint": (_needs("cpt-2", "value", "system"),),
        "CoverageEligibilityResponse.insurance.item": (_one("ces-1", "category productOrService"),),
        "DataRequirement.codeFilter": (_one("drq-1", "path searchParam"),),
        "DataRequirement.dateFilter": (_one("drq-2", "path searchParam"),),
        "ElementDefinition": (
            _apart(
                "eld-5",
                "contentReference",
                "type defaultValue fixed pattern example minValue maxValue maxLength binding",
            ),
            _apart("eld-8", "pattern", "fixed"),
            _apart("eld-15", "defaultValue", "meaningWhenMissing"),
            _needs("eld-22", "sliceIsConstraining", "sliceName"),
        ),
        "ElementDefinition.slicing": (_some("eld-1", "discriminator description"),),
        "Expression": (_some("exp-1", "expression reference"),),
        "Extension": (_one("ext-1", "extension value"),),
        "FamilyMemberHistory": (
            _apart("fhs-1", "age", "born"),
            _needs("fhs-2", "estimatedAge", "age"),
        ),
        "Goal.target": (_needs("gol-1", "detail", "measure"),),
        "Immunization.education": (_some("imm-1", "documentType reference"),),
        "ImmunizationRecommendation.recommendation": (_some("imr-1", "vaccineCode targetDisease"),),
        "InsurancePlan": (_some("ipn-1", "identifier name"),),
        "List": (_apart("lst-1", "emptyReason", "entry"),),
        "MedicationAdministration.dosage": (_some("mad-1", "dose rate"),),
        "MolecularSequence.referenceSeq": (
            _needs("msq-5", "chromosome", "genomeBuild"),
            _needs("msq-5", "genomeBuild", "chromosome"),
            _one("msq-6", "genomeBuild referenceSeqId referenceSeqPointer referenceSeqString"),
        ),
        "Observation": (_apart("obs-6", "dataAbsentReason", "value"),),
        "Observation.referenceRange": (_some("obs-3", "low high text"),),
        "OperationDefinition.parameter": (_some("opd-1", "type part"),),
        "Organization": (_some("org-1", "identifier name"),),
        "Parameters.parameter": (_one("inv-1", "part value resource"),),
        "Patient.contact": (_some("pat-1", "name telecom address organization"),),
        "Quantity": (_needs("qty-3", "code", "system"),),
        "Questionnaire.item": (
            _apart("que-4", "answerOption", "answerValueSet"),
            _apart("que-11", "answerOption", "initial"),
        ),
        "QuestionnaireResponse.item": (_apart("qrs-1", "answer", "item"),),
        "Ratio": (
            _needs("rat-1", "numerator", "denominator"),
            _needs("rat-1", "denominator", "numerator"),
            _some("rat-1", "numerator extension"),
        ),
        "RequestGroup.action": (_one("rqg-1", "resource action"),),
        "SearchParameter": (_needs("spd-1", "xpath", "xpathUsage"),),
        "ServiceRequest": (_needs("prr-1", "orderDetail", "code"),),
        "StructureDefinition": (_some("sdf-6", "snapshot differential"),),
        "StructureDefinition.mapping": (_some("sdf-2", "name uri"),),
        "StructureMap.group.rule.target": (
            _needs("smp-1", "element", "context"),
            _needs("smp-2", "context", "contextType"),
        ),
        "TerminologyCapabilities": (_some("tcp-2", "description software implementation"),),
        "TestReport.setup.action": (_one("inv-1", "operation assert"),),
        "TestReport.test.action": (_one("inv-2", "operation assert"),),
        "TestScript.setup.action": (_one("tst-1", "operation assert"),),
        "TestScript.test.action": (_one("tst-2", "operation assert"),),
        "Timing.repeat": (
            _needs("tim-1", "duration", "durationUnit"),
            _needs("tim-2", "period", "periodUnit"),
            _needs("tim-6", "periodMax", "period"),
            _needs("tim-7", "durationMax", "duration"),
            _needs("tim-8", "countMax", "count"),
            _apart("tim-10", "timeOfDay", "when"),
        ),
        "TriggerDefinition": (
            _apart("trd-1", "data", "timing"),
            _needs("trd-2", "condition", "data"),
        ),
        "ValueSet.compose.include": (
            _some("vsd-1", "valueSet system"),
            _needs("vsd-2", "concept", "system"),
            _needs("vsd-2", "filter", "system"),
            _apart("vsd-3", "concept", "filter"),
        ),
        "ValueSet.expansion.contains": (
            _some("vsd-6", "code display"),
            _needs("vsd-10", "code", "system"),
        ),
    }
)
_SIMPLE_QUANTITY = Presence("sqty-1", "never", ("comparator",))


@cache
def rules(path: str) -> tuple[Presence, ...]:
    """Return the rows for this type or element path; R4 puts sqty-1 wherever it asks for a SimpleQuantity."""
    found = _TABLE.get(path, ())
    if any(row.key == "sqty-1" for row in constraints.constraints(path)):
        return (*found, _SIMPLE_QUANTITY)
    return found


def declared_at(path: str) -> tuple[str, ...]:
    """Return the paths whose invariants hold for elements at this one: its own, and its type's parent's."""
    # Age, Count, Distance and Duration are Quantities: qty-3 is theirs too.
    if "." in path or structures.parent(path) != "Quantity":
        return (path,)
    return (path, "Quantity")


@cache
def json_names(path: str, name: str) -> tuple[str, ...]:
    """Return the JSON properties that an element may have: of a choice all, of another its own name."""
    if name == "comparator":  # stands in Quantity, while the path names an element of that type
        return (name,)
    element = structures.elements(path).get(name + "[x]")
    if element is None:
        return (name,)
    named = structures.json_elements(path).items()
    # Equal, not the same: threads that come first at once may each have made the facts.
    return tuple(json for json, (owner, _) in named if owner == element)


def holds(rule: Presence, path: str, node: Mapping[str, Any]) -> bool:
    """Tell whether the element obeys the rule; an element given by its extension only is there."""
    found = [_is_there(path, name, node) for name in rule.names]
    if rule.kind == "some":
        return any(found)
    if rule.kind == "one":
        return found.count(True) == 1
    if rule.kind == "never":
        return not any(found)
    beside = any(_is_there(path, name, node) for name in rule.others)
    return not any(found) or beside == (rule.kind == "needs")


def plain(rule: Presence, path: str) -> dict[str, Any]:
    """Return a JSON Schema that holds only when the rule does."""
    names = [json for name in rule.names for json in json_names(path, name)]
    if rule.kind == "some":
        return {"anyOf": _required(names)}
    if rule.kind == "one":
        return {"oneOf": _required(names)}
    if rule.kind == "never":
        return {"not": {"anyOf": _required(names)}}
    beside = {"anyOf": _required(json for name in rule.others for json in json_names(path, name))}
    wanted = beside if rule.kind == "needs" else {"not": beside}
    return {"dependencies": dict.fromkeys(names, wanted)}


def _required(names: Iterable[str]) -> list[dict[str, Any]]:
    return [{"required": [name]} for name in names]


def _is_there(path: str, name: str, node: Mapping[str, Any]) -> bool:
    return any(json in node or "_" + json in node for json in json_names(path, name))
