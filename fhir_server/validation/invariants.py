"""Invariants that look at values, each a plain function over the element, as a table.

https://hl7.org/fhir/R4/conformance-rules.html#constraints. A function returns whether the element
obeys. It is only asked about elements whose structure is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.validation.moments import is_ordered

Node = Mapping[str, Any]

UCUM = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant as a function."""

    key: str
    holds: Callable[[Node], bool]
    sentence: str


def _has_code(concept: Node | None, system: str, *codes: str) -> bool:
    codings = (concept or {}).get("coding", ())
    return any(
        coding.get("system") == _TERMINOLOGY + system and coding.get("code") in codes
        for coding in codings
    )


def _has(node: Node, name: str) -> bool:
    return name in node or "_" + name in node


def _any_starting(node: Node, stem: str) -> bool:
    return any(name.lstrip("_").startswith(stem) for name in node)


def _distinct(values: Sequence[object]) -> bool:
    return len(values) == len(set(values))


def _ait_1(node: Node) -> bool:
    return "clinicalStatus" in node or _is_allergy_entered_in_error(node)


def _ait_2(node: Node) -> bool:
    return "clinicalStatus" not in node or not _is_allergy_entered_in_error(node)


def _is_allergy_entered_in_error(node: Node) -> bool:
    status = node.get("verificationStatus")
    return _has_code(status, "allergyintolerance-verification", "entered-in-error")


def _con_4(node: Node) -> bool:
    ended = ("resolved", "remission", "inactive")
    return not _any_starting(node, "abatement") or _has_code(
        node.get("clinicalStatus"), "condition-clinical", *ended
    )


def _con_5(node: Node) -> bool:
    return "clinicalStatus" not in node or not _has_code(
        node.get("verificationStatus"), "condition-ver-status", "entered-in-error"
    )


def _app_3(node: Node) -> bool:
    timed = _has(node, "start") and _has(node, "end")
    return timed or node.get("status") in ("proposed", "cancelled", "waitlist")


def _app_4(node: Node) -> bool:
    return "cancelationReason" not in node or node.get("status") in ("no-show", "cancelled")


def _obs_7(node: Node) -> bool:
    components = node.get("component")
    if not components or not _any_starting(node, "value"):
        return True
    codings = node.get("code", {}).get("coding", ())
    return not any(
        coding in codings
        for component in components
        for coding in component.get("code", {}).get("coding", ())
    )


def _per_1(node: Node) -> bool:
    return is_ordered(node.get("start"), node.get("end"))


def _task_inv_1(node: Node) -> bool:
    return is_ordered(node.get("authoredOn"), node.get("lastModified"))


def _mdd_1(node: Node) -> bool:
    return is_ordered(node.get("whenPrepared"), node.get("whenHandedOver"))


def _rng_2(node: Node) -> bool:
    low, high = node.get("low", {}), node.get("high", {})
    if "value" not in low or "value" not in high:
        return True
    alike = all(low.get(name) == high.get(name) for name in ("system", "code", "unit"))
    # Quantities of different units have no order here.
    return not alike or bool(low["value"] <= high["value"])


def _is_ucum(node: Node) -> bool:
    return not _has(node, "system") or node.get("system") == UCUM


def _dis_1(node: Node) -> bool:
    return (_has(node, "code") or not _has(node, "value")) and _is_ucum(node)


def _age_1(node: Node) -> bool:
    return _dis_1(node) and node.get("value", 1) > 0


def _cnt_3(node: Node) -> bool:
    value = node.get("value", 0)
    whole = not isinstance(value, Decimal) or "." not in str(value)
    return _dis_1(node) and node.get("code", "1") == "1" and whole


def _drt_1(node: Node) -> bool:
    return not _has(node, "code") or (node.get("system") == UCUM and _has(node, "value"))


def _tim_4(node: Node) -> bool:
    return bool(node.get("duration", 0) >= 0)


def _tim_5(node: Node) -> bool:
    return bool(node.get("period", 0) >= 0)


def _tim_9(node: Node) -> bool:
    if not _has(node, "offset"):
        return True
    return _has(node, "when") and not {"C", "CM", "CD", "CV"} & set(node.get("when", ()))


def _cmd_1(node: Node) -> bool:
    return _has(node, "comment") or node.get("equivalence") not in ("narrower", "inexact")


def _cmd_2(node: Node) -> bool:
    return node.get("mode") != "fixed" or _has(node, "code")


def _cmd_3(node: Node) -> bool:
    return node.get("mode") != "other-map" or _has(node, "url")


def _csd_1(node: Node) -> bool:
    return _distinct(list(_descending(node, "concept", "code")))


def _que_2(node: Node) -> bool:
    return _distinct(list(_descending(node, "item", "linkId")))


def _descending(node: Node, name: str, field: str) -> Iterator[Any]:
    for child in node.get(name, ()):
        if field in child:
            yield child[field]
        yield from _descending(child, name, field)


def _que_7(node: Node) -> bool:
    return node.get("operator") != "exists" or "answerBoolean" in node


def _grp_1(node: Node) -> bool:
    return "member" not in node or node.get("actual") is True


def _lst_2(node: Node) -> bool:
    return node.get("mode") == "changes" or not any(
        _has(e, "deleted") for e in node.get("entry", ())
    )


def _lst_3(node: Node) -> bool:
    return node.get("mode") == "working" or not any(_has(e, "date") for e in node.get("entry", ()))


def _lnk_1(node: Node) -> bool:
    return len(node.get("item", ())) > 1


def _not_home(node: Node) -> bool:
    return node.get("use") != "home"


def _spd_2(node: Node) -> bool:
    return not _has(node, "chain") or node.get("type") == "reference"


def _ras_1(node: Node) -> bool:
    ends = [node[name] for name in ("low", "high") if name in node]
    return all(end.get("code") == "%" and end.get("system") == UCUM for end in ends)


def _ras_2(node: Node) -> bool:
    return bool(node.get("probabilityDecimal", 0) <= 100)


def _trd_3(node: Node) -> bool:
    kind = node.get("type", "")
    if kind == "named-event":
        return _has(node, "name")
    if kind == "periodic":
        return _any_starting(node, "timing")
    return not kind.startswith("data-") or "data" in node


def _vsd_9(node: Node) -> bool:
    return _has(node, "code") or node.get("abstract") is True


def _ig_1(node: Node) -> bool:
    groups = {group.get("id") for group in node.get("grouping", ())}
    return all(
        r.get("groupingId", r.get("id")) in groups or "groupingId" not in r
        for r in node["resource"]
    )


def _ig_2(node: Node) -> bool:
    versions = set(node.get("fhirVersion", ()))
    resources = node.get("definition", {}).get("resource", ())
    return all(versions.issuperset(resource.get("fhirVersion", ())) for resource in resources)


_ENTERED = "when verificationStatus is entered-in-error"
_CLINICAL_UCUM = f"with a value give a code, and as system {UCUM}"

CHECKS: Mapping[str, tuple[Check, ...]] = MappingProxyType(
    {
        "Age": (Check("age-1", _age_1, f"{_CLINICAL_UCUM}; the value has to be above 0"),),
        "AllergyIntolerance": (
            Check("ait-1", _ait_1, f"give a clinicalStatus, but {_ENTERED}"),
            Check("ait-2", _ait_2, f"leave out clinicalStatus {_ENTERED}"),
        ),
        "Appointment": (
            Check(
                "app-3", _app_3, "give start and end, but when proposed, cancelled or on a waitlist"
            ),
            Check(
                "app-4", _app_4, "give a cancelationReason only with status cancelled or no-show"
            ),
        ),
        "CodeSystem": (Check("csd-1", _csd_1, "give each concept's code once"),),
        "ConceptMap.group.element.target": (
            Check("cmd-1", _cmd_1, "give a comment when equivalence is narrower or inexact"),
        ),
        "ConceptMap.group.unmapped": (
            Check("cmd-2", _cmd_2, "with mode fixed give a code"),
            Check("cmd-3", _cmd_3, "with mode other-map give a url"),
        ),
        "Condition": (
            Check("con-4", _con_4, "with an abatement the clinicalStatus is inactive or resolved"),
            Check("con-5", _con_5, f"leave out clinicalStatus {_ENTERED}"),
        ),
        "Count": (Check("cnt-3", _cnt_3, "a count is a whole number with code 1 of UCUM"),),
        "Distance": (Check("dis-1", _dis_1, _CLINICAL_UCUM),),
        "Duration": (Check("drt-1", _drt_1, f"with a code give a value, and as system {UCUM}"),),
        "Group": (Check("grp-1", _grp_1, "give members only when actual is true"),),
        "ImplementationGuide": (
            Check("ig-2", _ig_2, "name only FHIR versions of the guide itself"),
        ),
        "ImplementationGuide.definition": (
            Check("ig-1", _ig_1, "name only groupings of this guide"),
        ),
        "Linkage": (Check("lnk-1", _lnk_1, "link at least two items"),),
        "List": (
            Check("lst-2", _lst_2, "give entry.deleted only with mode changes"),
            Check("lst-3", _lst_3, "give entry.date only with mode working"),
        ),
        "MedicationDispense": (
            Check("mdd-1", _mdd_1, "whenHandedOver is not before whenPrepared"),
        ),
        "Observation": (
            Check("obs-7", _obs_7, "leave out value[x] when a component has the same code"),
        ),
        "Organization.address": (Check("org-2", _not_home, "an organization has no home address"),),
        "Organization.telecom": (Check("org-3", _not_home, "an organization has no home telecom"),),
        "Period": (Check("per-1", _per_1, "the end is not before the start"),),
        "Questionnaire": (Check("que-2", _que_2, "give each linkId once"),),
        "Questionnaire.item.enableWhen": (
            Check("que-7", _que_7, "with operator exists the answer is a boolean"),
        ),
        "Range": (Check("rng-2", _rng_2, "low is not above high"),),
        "RiskAssessment.prediction": (Check("ras-2", _ras_2, "a probability is at most 100"),),
        "RiskAssessment.prediction.probability[x]": (
            Check("ras-1", _ras_1, "give the ends of the range in % of UCUM"),
        ),
        "SearchParameter": (Check("spd-2", _spd_2, "give a chain only with type reference"),),
        "Task": (Check("inv-1", _task_inv_1, "lastModified is not before authoredOn"),),
        "Timing.repeat": (
            Check("tim-4", _tim_4, "the duration is not negative"),
            Check("tim-5", _tim_5, "the period is not negative"),
            Check(
                "tim-9", _tim_9, "with offset give a when that is not a meal itself (C, CM, CD, CV)"
            ),
        ),
        "TriggerDefinition": (
            Check("trd-3", _trd_3, "give name, timing or data as the type of the trigger asks"),
        ),
        "ValueSet.expansion.contains": (
            Check("vsd-9", _vsd_9, "give a code, or set abstract to true"),
        ),
    }
)
