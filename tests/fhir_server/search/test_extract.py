"""The compiled extractor and fhirpathpy find the same values of every parameter in every example.

https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from math import inf
from typing import Any

import pytest

from fhir_server import codec
from fhir_server.definitions import search_parameters
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.search.entry import Entry, entry
from fhir_server.search.fields import Field, fields, shares
from fhir_server.search.term import reference_term
from fhir_server.search.types import date, token, uri
from fhir_server.search.types.number import LEAST, MOST
from tests.oracle import corpus, dates, numbers, paths, references, strings, tokens
from tests.oracle.paths import Resource, Value
from tests.oracle.world import readable

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not corpus.is_there(), reason=corpus.ABSENT),
]

# The expression finds something, but nothing that a search value of the parameter can mean.
DIFFERENT = {
    "Bundle.composition": "the first entry is no Composition",
    "Bundle.message": "the first entry is no MessageHeader",
    "CarePlan.activity-date": "scheduledString is text, not a date",
    "Consent.source-reference": "sourceAttachment is no reference",
}
# In columns of the resource's row, or no values that an index entry has by name.
ELSEWHERE = frozenset({"_id", "_lastUpdated"})
NOT_EXTRACTED = frozenset({"composite", "special"})

Missing = Iterator[object]
"""Yields what fhirpathpy finds and the index lacks, or the other way round."""


@cache
def examples() -> list[tuple[Resource, Entry]]:
    """Return every example with its index entry."""
    decoded = [codec.decode(text) for text in corpus.examples(largest=10_000_000)]
    return [(resource, entry(resource)) for resource in decoded]


def compared() -> Iterator[tuple[Field, SearchParameter, Resource, Entry]]:
    for resource, indexed in examples():
        resource_type = resource["resourceType"]
        for code, field in fields(resource_type).items():
            parameter = search_parameters.parameters(resource_type)[code]
            extracted = parameter.type not in NOT_EXTRACTED and code not in ELSEWHERE
            # What others look at together is compared as theirs.
            if extracted and parameter.expression and not shares(field):
                yield field, parameter, resource, indexed


def test_compiled_paths_and_fhirpath_find_the_same() -> None:
    different, present = [], Counter[str]()
    for field, parameter, resource, indexed in compared():
        found = bool(paths.values(resource, parameter.expression))
        present[field.prefix] += found
        if field.prefix not in DIFFERENT and (field.present in indexed.terms) != found:
            different.append(f"{resource['id']}: {field.prefix}")
    assert different == []
    assert sum(map(bool, present.values())) > 700, "so many parameters have a value somewhere"


def test_what_differs_does() -> None:
    differs = {
        field.prefix
        for field, parameter, resource, indexed in compared()
        if bool(paths.values(resource, parameter.expression)) != (field.present in indexed.terms)
    }
    assert differs == set(DIFFERENT)


def test_compiled_paths_and_fhirpath_find_the_same_values() -> None:
    different = [
        f"{resource['resourceType']}/{resource['id']}: {field.prefix}: {missing}"
        for field, parameter, resource, indexed in compared()
        for missing in MISSING[parameter.type](field, readable(resource, parameter), indexed)
    ]
    assert not different, "\n".join(different[:40])


def _unequal(found: set[Any], indexed: set[Any]) -> Missing:
    yield from found ^ indexed


def _strings(field: Field, values: list[Value], indexed: Entry) -> Missing:
    folded = {strings.fold(text)[:200] for text in strings.texts(values)}
    return _unequal(folded, {row.value for row in indexed.strings if row.param == field.param})


def _dates(field: Field, values: list[Value], indexed: Entry) -> Missing:
    ends = {-inf: date.EARLIEST, inf: date.LATEST}
    found = {
        (ends.get(each.first, each.first), ends.get(each.last, each.last))
        for each in dates.spans(values)
    }
    rows = {(row.low, row.high) for row in indexed.dates if row.param == field.param}
    return _unequal(found, rows)


def _numbers(field: Field, values: list[Value], indexed: Entry) -> Missing:
    spans = [numbers.of_number(value) for value in values]
    return _unequal(set(map(_ends, spans)), _number_rows(field, indexed))


def _quantities(field: Field, values: list[Value], indexed: Entry) -> Missing:
    amounts = [numbers.amount(value) for value in values]
    found = {_ends(each.span) for each in amounts if each}
    return _unequal(found, _number_rows(field, indexed))


def _ends(span: numbers.Span) -> tuple[Any, Any]:
    ends = {-inf: LEAST, inf: MOST}
    return ends.get(span.first, span.first), ends.get(span.last, span.last)


def _number_rows(field: Field, indexed: Entry) -> set[tuple[Any, Any]]:
    return {(row.low, row.high) for row in indexed.numbers if row.param == field.param}


def _tokens(field: Field, values: list[Value], indexed: Entry) -> Missing:
    for each in tokens.tokens(values):
        code = each.code.casefold() if field.folded else each.code
        if each.code and token.any_system(field.prefix, code) not in indexed.terms:
            yield each.code
        for system in each.systems if each.code else ():
            if token.with_system(field.prefix, system, code) not in indexed.terms:
                yield f"{system}|{each.code}"


def _references(field: Field, values: list[Value], indexed: Entry) -> Missing:
    for literal in references.literals(values, ""):
        if reference_term(field.prefix, literal) not in indexed.terms:
            yield literal


def _uris(field: Field, values: list[Value], indexed: Entry) -> Missing:
    for value in values:
        if uri.exact(field.prefix, value.data) not in indexed.terms:
            yield value.data


MISSING = {
    "string": _strings,
    "date": _dates,
    "number": _numbers,
    "quantity": _quantities,
    "token": _tokens,
    "reference": _references,
    "uri": _uris,
}
