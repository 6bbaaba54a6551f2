"""What a SearchParameter resource adds to R4's parameters, or why it cannot be used.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from fhir_server.codec import Resource
from fhir_server.definitions import search_parameters, structures
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.errors import Invalid
from fhir_server.search import custom, evaluated
from fhir_server.search.custom import Custom, Defined
from fhir_server.search.extract import is_indexed
from fhir_server.search.fields import field_of

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""Of a parameter in an address: points and colons mean something else there, and _ is HL7's."""


def definition(resource: Resource) -> SearchParameter | None:
    """Return what a valid SearchParameter defines beside R4; None when that is nothing.

    Its base lists the concrete types that have no parameter of this code: what R4 defines stays
    as it is, so R4's own SearchParameters and an implementation guide's copies have no effect.
    """
    if resource.get("status") != "active":
        return None
    stated = _read(resource)
    new = tuple(
        name
        for name in _concrete(stated.base)
        if stated.code not in search_parameters.parameters(name)
    )
    return replace(stated, base=new) if new else None


def _read(resource: Resource) -> SearchParameter:
    parts = resource.get("component", ())
    return SearchParameter(
        url=resource["url"],
        code=resource["code"],
        type=resource["type"],
        expression=resource.get("expression", ""),
        base=tuple(resource.get("base", ())),
        targets=tuple(resource.get("target", ())),
        components=tuple((part["definition"], part["expression"]) for part in parts),
    )


def _concrete(base: Iterable[str]) -> list[str]:
    """Return the types that are or specialize one of the base."""
    wanted = set(base)
    return [name for name in structures.resource_types() if wanted & set(_lineage(name))]


def _lineage(name: str) -> Iterator[str]:
    while name:
        yield name
        name = structures.parent(name)


def check(name: str, resource: Resource) -> None:
    """Raise Invalid when the SearchParameter of this name ("SearchParameter/eye") cannot be used."""
    if resource.get("status") != "active":
        return
    _refuse_other_type(_read(resource))
    parameter = definition(resource)
    if parameter is None:
        return
    if not _CODE.fullmatch(parameter.code):
        raise Invalid(
            f"{parameter.code!r} cannot be a parameter's name in an address; "
            "begin with a letter and go on with letters, digits, - and _.",
            "SearchParameter.code",
        )
    if reason := problem(parameter):
        where = "component" if parameter.type == "composite" else "expression"
        raise Invalid(reason, f"SearchParameter.{where}")
    for other in custom.current().defined:
        shared = set(other.parameter.base) & set(parameter.base)
        if other.name != name and other.parameter.code == parameter.code and shared:
            raise Invalid(
                f"{other.name} defines the parameter {parameter.code!r} of {min(shared)} already; "
                "take another code, or change that one.",
                "SearchParameter.code",
            )


def _refuse_other_type(stated: SearchParameter) -> None:
    for name in _concrete(stated.base):
        own = search_parameters.parameters(name).get(stated.code)
        if own is not None and own.type != stated.type:
            raise Invalid(
                f"R4 defines the parameter {stated.code!r} of {name} as a {own.type}, "
                f"not as a {stated.type}; take another code.",
                "SearchParameter.code",
            )


def problem(parameter: SearchParameter) -> str:
    """Return why the parameter cannot be indexed, as a sentence; "" when it can."""
    if not parameter.expression:
        return (
            f"The parameter {parameter.code!r} needs an expression that says where its values are."
        )
    if parameter.type == "special":
        return (
            f"What the special parameter {parameter.code!r} means cannot be said by its definition."
        )
    unknown = [url for url, _ in parameter.components if url not in search_parameters.urls()]
    if unknown:
        return f"The component {unknown[0]} is no search parameter of R4; a composite is made of those."
    unusable = [reason for name in parameter.base if (reason := _problem(name, parameter))]
    return unusable[0] if len(unusable) == len(parameter.base) or _failing(unusable) else ""


def _failing(reasons: Iterable[str]) -> bool:
    """Tell whether a reason is more than that one of several types has no such element."""
    return any(not reason.startswith("Nothing") for reason in reasons)


def _problem(resource_type: str, parameter: SearchParameter) -> str:
    field = field_of(resource_type, parameter)
    if field.expression and (reason := evaluated.problem(field.expression, resource_type)):
        return f"The expression of {parameter.code!r} cannot be used: {reason}."
    if field.expression and parameter.type == "composite":
        return (
            f"The expression of the composite {parameter.code!r} has to be a path of elements, "
            "such as Observation.component."
        )
    if not is_indexed(field):
        return (
            f"Nothing in {resource_type} that the expression {parameter.expression!r} leads to can "
            f"be searched as a {parameter.type}; check its elements and the parameter's type."
        )
    return ""


def made(generation: int, stored: Iterable[tuple[str, Resource]]) -> Custom:
    """Return what the stored SearchParameters define; pairs of "SearchParameter/id" and resource.

    Of two that define the same code the first counts: `check` refuses the second, but two writers
    can pass it at once.
    """
    taken: set[tuple[str, str]] = set()
    found: list[Defined] = []
    for name, resource in stored:
        parameter = definition(resource)
        if parameter is None or not _CODE.fullmatch(parameter.code) or problem(parameter):
            continue
        new = tuple(kind for kind in parameter.base if (kind, parameter.code) not in taken)
        taken.update((kind, parameter.code) for kind in new)
        if new:
            found.append(Defined(name, replace(parameter, base=new)))
    return custom.made(generation, found)
