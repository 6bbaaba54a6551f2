"""The exact walk: every problem of a resource, each with its place and what to do about it.

https://hl7.org/fhir/R4/json.html, https://hl7.org/fhir/R4/validation.html. It takes some hundred
microseconds, so it is for resources that the fast lane (`plain`) does not accept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element
from fhir_server.errors import Issue
from fhir_server.validation import bindings, plain, primitives, references
from fhir_server.validation.obedience import check_invariants
from fhir_server.validation.report import Report

_DEEPEST = 100
"""Levels; R4 has no limit, Python's stack has."""


def explain(resource: Any, where: str = "") -> list[Issue]:
    """List all problems of a resource that may be of any shape."""
    if not isinstance(resource, dict):
        sentence = f"This is {primitives.json_name(resource)}; write an object that is a resource."
        return [Issue("structure", sentence, where)]
    report = Report([], resource, references.contained_types(resource))
    _walk_resource(resource, where, report)
    return report.issues


def _walk_resource(resource: dict[Any, Any], where: str, report: Report) -> None:
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or not structures.is_resource_type(kind):
        report.add("structure", _join(where, "resourceType"), _type_advice(kind))
        return
    where = where or kind
    if report.is_contained:
        _check_contained(resource, where, report)
    walk(resource, kind, where, report)


def _type_advice(kind: object) -> str:
    if kind is None:
        return "The resource has no resourceType; add it."
    if not isinstance(kind, str):
        return f"resourceType is {primitives.json_name(kind)}; write a resource type's name."
    near = bindings.nearest(kind, frozenset(structures.resource_types()))
    advice = f"did you mean {near}?" if near else "write one of R4's resource types."
    return f"{kind[:80]!r} is no resource type of R4; {advice}"


def _check_contained(resource: dict[Any, Any], where: str, report: Report) -> None:
    if "id" not in resource:
        report.add("required", f"{where}.id", "A contained resource has an id; add one.")
    if "contained" in resource:
        advice = "dom-2: a contained resource contains none; move them to the outer one."
        report.add("invariant", f"{where}.contained", advice)
    meta = resource.get("meta")
    for name in sorted(plain.FORBIDDEN_META & set(meta)) if isinstance(meta, dict) else ():
        key = "dom-5" if name == "security" else "dom-4"
        sentence = f"{key}: a contained resource has no meta.{name} of its own; remove it."
        report.add("invariant", f"{where}.meta.{name}", sentence)


def walk(node: Any, path: str, where: str, report: Report) -> None:
    """Look at an element of a complex type, or a resource, and all below it; path as in `structures`."""
    if not isinstance(node, dict):
        sentence = f"This is {primitives.json_name(node)}; write an object."
        report.add("structure", where, sentence)
        return
    if not node:
        report.add("structure", where, "The object is empty; give it content or leave it out.")
        return
    if where.count(".") > _DEEPEST:
        report.add("structure", where, f"This nests deeper than {_DEEPEST} levels; flatten it.")
        return
    _refuse_unknown(node, path, where, report)
    for element in structures.elements(path).values():
        _walk_element(node, path, element, where, report)
    check_invariants(node, path, where, report)


def _refuse_unknown(node: dict[Any, Any], path: str, where: str, report: Report) -> None:
    known = structures.json_elements(path)
    for name in node:
        if name in known or (name == "resourceType" and structures.is_resource_type(path)):
            continue
        if not isinstance(name, str):
            report.add("structure", where, "A property's name is a string.")
        elif not _is_extended_primitive(name, path):
            near = bindings.nearest(name, frozenset(known))
            advice = f"did you mean {near}?" if near else "remove it."
            report.add(
                "structure", _join(where, name[:80]), f"{path} has no {name[:80]!r}; {advice}"
            )


def _is_extended_primitive(name: str, path: str) -> bool:
    found = structures.json_elements(path).get(name[1:]) if name.startswith("_") else None
    if found is None or not primitives.is_primitive(found[1]):
        return False
    # https://hl7.org/fhir/R4/datatypes.html: Element.id and Extension.url are XML attributes.
    if name == "_id":
        return structures.is_resource_type(path)
    return path != "Extension" or name != "_url"


def _walk_element(
    node: dict[Any, Any], path: str, element: Element, where: str, report: Report
) -> None:
    given = [
        (name, type_code)
        for name, type_code in _json_names(path, element)
        if name in node or (primitives.is_primitive(type_code) and "_" + name in node)
    ]
    if not given and element.min:
        report.add("required", _join(where, element.name), _required(path, element))
    if len(given) > 1:
        names = ", ".join(name for name, _ in given)
        sentence = f"{element.name} is given as {names}; keep one of them."
        report.add("structure", _join(where, element.name.removesuffix("[x]")), sentence)
    for name, type_code in given:
        _walk_values(node, name, (element, type_code), where, report)


def _json_names(path: str, element: Element) -> Iterator[tuple[str, str]]:
    if not element.choice:
        yield element.name, element.types[0]
        return
    for name, (owner, type_code) in structures.json_elements(path).items():
        if owner == element:
            yield name, type_code


def _required(path: str, element: Element) -> str:
    return f"{path} needs {element.name}; add it."


Kind = tuple[Element, str]


def _walk_values(node: dict[Any, Any], name: str, kind: Kind, where: str, report: Report) -> None:
    element, type_code = kind
    # FHIRPath names a choice by its stem: Observation.value, not Observation.valueQuantity.
    place = _join(where, element.name.removesuffix("[x]"))
    if element.max == 1:
        if primitives.is_primitive(type_code):
            _walk_primitive(_pair(node, name), kind, place, report)
        else:
            _walk_complex(node[name], kind, place, report)
    elif primitives.is_primitive(type_code):
        _walk_primitives(node, name, kind, place, report)
    elif _is_list(node[name], place, report):
        for index, value in enumerate(node[name]):
            _walk_complex(value, kind, f"{place}[{index}]", report)


_ABSENT: Any = object()


def _pair(node: dict[Any, Any], name: str) -> tuple[Any, Any]:
    return node.get(name, _ABSENT), node.get("_" + name, _ABSENT)


def _is_list(value: Any, place: str, report: Report) -> bool:
    if not isinstance(value, list):
        sentence = f"This is {primitives.json_name(value)}; the element repeats, so write an array."
        report.add("structure", place, sentence)
    elif not value:
        report.add("structure", place, "The array is empty; give it content or leave it out.")
    return isinstance(value, list)


def _walk_primitives(
    node: dict[Any, Any], name: str, kind: Kind, place: str, report: Report
) -> None:
    """Walk an array of primitives beside that of their ids and extensions, nulls where one has none.

    https://hl7.org/fhir/R4/json.html#primitive
    """
    pair = _pair(node, name)
    given = [side for side in pair if side is not _ABSENT]
    are_lists = [_is_list(side, place, report) for side in given]
    if not all(are_lists):
        return
    values, beside = ([] if side is _ABSENT else side for side in pair)
    for index in range(max(len(values), len(beside))):
        sides = [side[index] if index < len(side) else None for side in (values, beside)]
        if sides == [None, None]:
            sentence = "This is null; write null only where the other array has content."
            report.add("structure", f"{place}[{index}]", sentence)
            continue
        value, extra = (_ABSENT if side is None else side for side in sides)
        _walk_primitive((value, extra), kind, f"{place}[{index}]", report)


def _walk_primitive(pair: tuple[Any, Any], kind: Kind, place: str, report: Report) -> None:
    element, type_code = kind
    value, extra = pair
    if extra is not _ABSENT:
        walk(extra, "Element", place, report)
    if value is _ABSENT:
        return
    is_wrong = report.add_fault(primitives.fault(type_code, value), place)
    if not is_wrong and type_code == "code":
        is_wrong = report.add_fault(bindings.code_fault(element, value), place)
    if not is_wrong and not element.choice:
        check_invariants(value, element.path, place, report)


def _walk_complex(value: Any, kind: Kind, place: str, report: Report) -> None:
    element, type_code = kind
    if type_code == "Resource":
        _walk_inner_resource(value, element, place, report)
        return
    before = len(report.issues)
    walk(value, structures.child_path(element, type_code), place, report)
    if not isinstance(value, dict):
        return
    if type_code == "Reference":
        for name, fault in references.faults(value, element.targets, report.contained):
            report.add_fault(fault, f"{place}.{name}")
    if before == len(report.issues):
        report.add_fault(bindings.concept_fault(element, type_code, value), place)
    if element.content != element.path:
        check_invariants(value, element.path, place, report)


def _walk_inner_resource(value: Any, element: Element, place: str, report: Report) -> None:
    if element.name != "contained":
        # A bundle may hold thousands: those that are plainly valid need no walk.
        if not plain.is_plain(value):
            report.issues.extend(explain(value, place))
    elif not isinstance(value, dict):
        report.issues.extend(explain(value, place))
    elif not report.is_contained:
        inner = Report(report.issues, value, report.contained, is_contained=True)
        _walk_resource(value, place, inner)


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
