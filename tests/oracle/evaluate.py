"""Which resources a search finds: every resource is asked every question, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhir_server.definitions import compartments, search_parameters
from tests.oracle import (
    composites,
    dates,
    numbers,
    places,
    references,
    strings,
    tokens,
    uris,
    words,
)
from tests.oracle.escape import plain
from tests.oracle.paths import Value
from tests.oracle.query import Asked, asked
from tests.oracle.world import World, linked, parameter, reference_literals

Pairs = Sequence[tuple[str, str]]
_NEVER_MISSING = frozenset({"_id", "_lastUpdated"})


def found(known: World, resource_type: str, pairs: Pairs) -> set[str]:
    """Return "Type/id" of what the search finds."""
    questions = [asked(name, text) for name, text in pairs]
    return {
        name
        for name in known.by_type.get(resource_type, ())
        if all(holds(known, name, question) for question in questions)
    }


def holds(known: World, name: str, question: Asked) -> bool:
    """Tell whether the resource is as asked."""
    if question.step == "chain":
        return any(_answers(known, each, question) for each in _targets(known, name, question))
    if question.step == "has":
        return any(_answers(known, each, question) for each in _sources(known, name, question))
    if question.modifier == "missing":
        return _is_missing(known, name, question.code) == (question.values == ("true",))
    if question.modifier in ("not", "not-in"):
        positive = {"not": "", "not-in": "in"}[question.modifier]
        return not any(_matches(known, name, question, each, positive) for each in question.values)
    return any(_matches(known, name, question, each, question.modifier) for each in question.values)


def _answers(known: World, name: str, question: Asked) -> bool:
    """Tell whether the resource at the other end is as asked, if its type can be asked so."""
    assert question.beyond
    kind, code = name.partition("/")[0], question.beyond.code
    askable = question.beyond.step == "has" or code in search_parameters.parameters(kind)
    return askable and holds(known, name, question.beyond)


def _targets(known: World, name: str, question: Asked) -> Iterable[str]:
    for each in linked(known, name, question.code):
        if question.target in ("", each.partition("/")[0]):
            yield each


def _sources(known: World, name: str, question: Asked) -> Iterable[str]:
    for source in known.by_type.get(question.target, ()):
        if name in linked(known, source, question.code):
            yield source


def _is_missing(known: World, name: str, code: str) -> bool:
    asked_for = parameter(name.partition("/")[0], code)
    if asked_for.type == "composite":
        resource = known.resources[name]
        return not any(
            all(composites.part_values(resource, asked_for, each))
            for each in composites.elements(resource, asked_for)
        )
    return code not in _NEVER_MISSING and not known.values(name, code)


def _matches(known: World, name: str, question: Asked, text: str, modifier: str) -> bool:
    resource = known.resources[name]
    code = question.code
    if code in ("_text", "_content"):
        return words.matches(resource, code, text)
    if code == "_list":
        return name in reference_literals(known, f"List/{text}", "item")
    asked_for = parameter(resource["resourceType"], code)
    if asked_for.type == "composite":
        return composites.matches(
            resource,
            asked_for,
            text,
            lambda type_, values, part: decide(known, type_, values, part),
        )
    return decide(known, asked_for.type, known.values(name, code), text, modifier)


def decide(known: World, type_: str, values: list[Value], text: str, modifier: str = "") -> bool:
    """Decide one value of one parameter."""
    match type_:
        case "string":
            return strings.matches(values, plain(text), modifier)
        case "token":
            return _token(known, values, text, modifier)
        case "reference" if modifier == "identifier":
            return references.identified(values, text)
        case "reference":
            return references.matches(values, text, modifier, known.base)
        case "date":
            return dates.matches(values, text, known.now)
        case "number":
            return numbers.matches(values, text)
        case "quantity":
            return numbers.quantity_matches(values, text)
        case "uri":
            return uris.matches(values, text, modifier)
    assert type_ == "special"
    return places.near(values, text)


def _token(known: World, values: list[Value], text: str, modifier: str) -> bool:
    match modifier:
        case "of-type":
            return tokens.of_type(values, text)
        case "text":
            return tokens.has_text(values, text)
        case "in":
            return tokens.among(values, known.value_sets[plain(text)])
        case "above" | "below":
            return tokens.subsumed(values, text, known.parents, modifier)
    return tokens.matches(values, text)


def in_compartment(known: World, compartment: str, id_: str, name: str) -> bool:
    """Tell whether the resource is a member, https://hl7.org/fhir/R4/compartmentdefinition.html."""
    focus = f"{compartment}/{id_}"
    for code in compartments.membership(compartment, name.partition("/")[0]):
        if code == compartments.SELF:
            if name == focus:
                return True
        elif focus in reference_literals(known, name, code):
            return True
    return False
