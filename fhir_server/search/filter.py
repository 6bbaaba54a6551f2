"""Read `_filter` as a predicate, https://hl7.org/fhir/R4/search_filter.html.

`ne` and `ni` are the contrary of `eq` and `in` for the resource as a whole, as :not is: a patient with
the names Ann and Eve does not fulfil `given ne "ann"`; one without a name does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

from fhir_server.errors import InvalidParameter
from fhir_server.search.chains import Trail, follow, follow_back
from fhir_server.search.escape import split
from fhir_server.search.fields import Field
from fhir_server.search.filter_grammar import (
    And,
    Expression,
    Negation,
    Or,
    ParamExp,
    Step,
    parse_filter,
)
from fhir_server.search.predicates import (
    PREFIXES,
    AllOf,
    AnyOf,
    InDates,
    InNumbers,
    InStrings,
    Not,
    Predicate,
    TextMode,
    Updated,
)
from fhir_server.search.reading import Reading
from fhir_server.search.types import date, number
from fhir_server.search.types.string import normalise
from fhir_server.search.values import (
    find_field,
    read_presence,
    read_value,
    refuse_modifier,
)

_ORDERED = ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb", "pr")
_PLAIN = ("eq", "ne", "pr")
_BY_TYPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "string": ("eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "pr"),
        "number": (*_ORDERED, "co"),
        "date": (*_ORDERED, "co", "po"),
        "quantity": _ORDERED,
        "token": (*_PLAIN, "ss", "sb", "in", "ni"),
        "reference": (*_PLAIN, "re"),
    }
)
"""Operators by type of parameter; the others, of which R4 says nothing, take _PLAIN."""

_MODES: Mapping[str, TextMode] = MappingProxyType(
    {
        "eq": "equals",
        "co": "contains",
        "sw": "begins",
        "ew": "ends",
        "gt": "gt",
        "lt": "lt",
        "ge": "ge",
        "le": "le",
    }
)
_OPPOSITES: Mapping[str, str] = MappingProxyType({"ne": "eq", "ni": "in"})
# The value subsumes what the resource has: the resource's concept lies below it.
_MODIFIERS: Mapping[str, str] = MappingProxyType({"ss": "below", "sb": "above", "in": "in"})
_SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        "loinc": "http://loinc.org",
        "snomed": "http://snomed.info/sct",
        "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
        "ucum": "http://unitsofmeasure.org",
    }
)
_SYSTEM_PARTS: Mapping[str, int] = MappingProxyType({"token": 0, "quantity": 1})


@dataclass(frozen=True, slots=True)
class _Parts:
    """A composite parameter whose parts `_filter` names: `characteristic[code eq a].value eq b`."""

    composite: str
    names: tuple[str, str]


_GROUPS: Mapping[tuple[str, str], _Parts] = MappingProxyType(
    {
        ("Group", "characteristic"): _Parts("characteristic-value", ("code", "value")),
        ("DocumentReference", "relatesTo"): _Parts("relationship", ("target", "code")),
    }
)
"""https://hl7.org/fhir/R4/search_filter.html#params; R4 has no parameters for its other rows."""


def read_filter(resource_type: str, text: str, reading: Reading, trail: Trail) -> Predicate:
    """Return the predicate; InvalidParameter gives the character at which it stops to make sense."""
    return _read(resource_type, parse_filter(text), reading, trail)


def _read(resource_type: str, expression: Expression, reading: Reading, trail: Trail) -> Predicate:
    match expression:
        case And():
            return AllOf(_read_all(resource_type, expression.parts, reading, trail))
        case Or():
            return AnyOf(_read_all(resource_type, expression.parts, reading, trail))
        case Negation():
            return Not(_read(resource_type, expression.part, reading, trail))
    return _along(resource_type, expression, reading, trail)


def _read_all(
    resource_type: str, parts: tuple[Expression, ...], reading: Reading, trail: Trail
) -> tuple[Predicate, ...]:
    return tuple(_read(resource_type, part, reading, trail) for part in parts)


def _along(resource_type: str, test: ParamExp, reading: Reading, trail: Trail) -> Predicate:
    """Read the first name of the path, then what is left of it on the types that it leads to."""
    step, rest = test.path[0], test.path[1:]
    with _at(test.position):
        if step.name.startswith("_has:"):
            return follow_back(step.name, trail, _behind_has(step, test, reading, trail))
        group = _GROUPS.get((resource_type, step.name))
        if group and step.filter:
            return _read_group(resource_type, group, step.filter, replace(test, path=rest), reading)
        code, _, kind = step.name.partition(":")
        field = find_field(resource_type, code)
        if not rest:
            return _read_test(field, kind, test, reading)
        read = _behind_dot(step.filter, replace(test, path=rest), reading, trail)
        return follow(field, kind, rest[0].name, trail, read)


def _behind_has(
    step: Step, test: ParamExp, reading: Reading, trail: Trail
) -> Callable[[str, str], Predicate]:
    def read(source: str, name: str) -> Predicate:
        path = (Step(name, step.filter), *test.path[1:])
        return _along(source, replace(test, path=path), reading, trail)

    return read


def _behind_dot(
    condition: Expression | None, test: ParamExp, reading: Reading, trail: Trail
) -> Callable[[str], Predicate]:
    def read(target: str) -> Predicate:
        end = _along(target, test, reading, trail)
        if condition is None:
            return end
        return AllOf((_read(target, condition, reading, trail), end))

    return read


def _read_group(
    resource_type: str, group: _Parts, condition: Expression, test: ParamExp, reading: Reading
) -> Predicate:
    """Read both tests as one value of the composite parameter: they are about the same element."""
    values: dict[str, str] = {}
    for each in (condition, test):
        if not isinstance(each, ParamExp) or each.operator not in ("eq", "re"):
            break
        values[".".join(step.name for step in each.path)] = each.value.replace("$", "\\$")
    if set(values) != set(group.names):
        first, second = group.names
        message = f"write it as name[{first} eq x].{second} eq y, or the other way round."
        raise InvalidParameter(message)
    field = find_field(resource_type, group.composite)
    return read_value(field, "", "$".join(values[name] for name in group.names), reading)


def _read_test(field: Field, modifier: str, test: ParamExp, reading: Reading) -> Predicate:
    allowed = _BY_TYPE.get(field.type, _PLAIN)
    if modifier:
        message = f"{field.code}:{modifier} is not for _filter; its operators are"
        raise InvalidParameter(f"{message} {', '.join(allowed)}.")
    if test.operator not in allowed:
        message = f"{test.operator!r} means nothing for the {field.type} parameter {field.code!r};"
        raise InvalidParameter(f"{message} its operators are {', '.join(allowed)}.")
    if test.operator in _OPPOSITES:
        return Not(_compare(field, _OPPOSITES[test.operator], test.value, reading))
    return _compare(field, test.operator, test.value, reading)


def _compare(field: Field, operator: str, value: str, reading: Reading) -> Predicate:
    if operator == "pr":
        return _present(field, value)
    if field.type == "string":
        return InStrings(field.param, normalise(value), _MODES[operator])
    if operator in ("co", "po"):
        _refuse_prefix(field, value)
        return _spanning(field, operator, value, reading)
    value = _with_system(field, value)
    if field.type in ("date", "number", "quantity"):
        _refuse_prefix(field, value)
        return read_value(field, "", operator + value, reading)
    modifier = _MODIFIERS.get(operator, "")
    refuse_modifier(field, modifier)
    return read_value(field, modifier, value, reading)


def _refuse_prefix(field: Field, value: str) -> None:
    if value[:2] in PREFIXES:
        message = f"the operator says how {field.code!r} is compared; leave out {value[:2]!r} in"
        raise InvalidParameter(f"{message} {value!r}.")


def _present(field: Field, value: str) -> Predicate:
    if value not in ("true", "false"):
        raise InvalidParameter(f"{field.code} pr takes true or false, not {value!r}.")
    return read_presence(field, present=value == "true")


def _spanning(field: Field, operator: str, value: str, reading: Reading) -> Predicate:
    """Read co (the resource's range holds the value) and po (the two overlap).

    Both take the value as it is written: `sa` widens no range, as `ap` does.
    """
    comparison = "co" if operator == "co" else "ap"
    if field.type == "number":
        _, least, most = number.read_range(field, f"sa{value}")
        return InNumbers(field.param, comparison, least, most)
    _, (low, high) = date.read_span(field, f"sa{value}", reading)
    if field.code == "_lastUpdated":
        return Updated(comparison, low, high)
    return InDates(field.param, comparison, low, high)


def _with_system(field: Field, value: str) -> str:
    """Put the URL for loinc, snomed, rxnorm and ucum, which R4 lets people write instead."""
    position = _SYSTEM_PARTS.get(field.type)
    parts = list(split(value, "|"))
    if position is None or len(parts) <= position + 1:
        return value
    parts[position] = _SYSTEMS.get(parts[position], parts[position])
    return "|".join(parts)


@contextmanager
def _at(position: int) -> Iterator[None]:
    """Say of an error at which character of the text it arose, unless that was said nearer to it."""
    try:
        yield
    except InvalidParameter as error:
        if str(error).startswith("_filter, "):
            raise
        raise type(error)(f"_filter, character {position + 1}: {error}") from error
