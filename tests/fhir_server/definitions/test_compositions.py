"""ValueSet.compose over code systems given here, https://hl7.org/fhir/R4/valueset.html#compositions."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.code_systems import of_resource
from fhir_server.definitions.compositions import Codes, NotEnumerable, Sources, codes_of

S = "urn:s"
SYSTEM = of_resource(
    {
        "url": S,
        "content": "complete",
        "concept": [
            {
                "code": "a",
                "concept": [
                    {"code": "a1", "property": [{"code": "colour", "valueCode": "red"}]},
                    {"code": "a2", "property": [{"code": "colour", "valueString": "blue"}]},
                ],
            },
            {"code": "b", "property": [{"code": "child", "valueCode": "a2"}]},
            {"code": "c", "property": [{"code": "parent", "valueCode": "b"}]},
            {"code": "d", "property": [{"code": "old", "valueBoolean": True}]},
        ],
    }
)
FRAGMENT = of_resource({"url": "urn:f", "content": "fragment", "concept": [{"code": "x"}]})
OTHERS: dict[str, Codes] = {
    "urn:v1": {S: frozenset({"a1", "b"}), "urn:t": frozenset({"t"})},
    "urn:v2": {S: frozenset({"b", "c"})},
}


def other(url: str) -> Codes:
    if url not in OTHERS:
        raise NotEnumerable(url)
    return OTHERS[url]


def composed(*include: dict[str, Any], exclude: tuple[dict[str, Any], ...] = ()) -> Codes:
    systems = {S: SYSTEM, "urn:f": FRAGMENT}
    compose = {"include": list(include), "exclude": list(exclude)}
    return codes_of({"compose": compose}, Sources(systems.get, other))


def filtered(*filters: tuple[str, str, str]) -> str:
    stated = [
        {"property": name, "op": operator, "value": value} for name, operator, value in filters
    ]
    return " ".join(sorted(composed({"system": S, "filter": stated}).get(S, ())))


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("concept", "is-a", "a", "a a1 a2"),
        ("concept", "descendent-of", "a", "a1 a2"),
        ("concept", "is-a", "b", "a2 b c"),
        ("concept", "generalizes", "a2", "a a2 b"),
        ("concept", "is-not-a", "b", "a a1 d"),
        ("concept", "in", "a, c", "a c"),
        ("concept", "not-in", "a,a1,a2", "b c d"),
        ("code", "regex", "a.", "a1 a2"),
        ("code", "regex", "a", "a"),
        ("colour", "=", "red", "a1"),
        ("colour", "in", "red,blue", "a1 a2"),
        ("colour", "exists", "false", "a b c d"),
        ("old", "=", "true", "d"),
        ("parent", "=", "b", "a2 c"),
        ("child", "=", "a1", "a"),
    ],
)
def test_a_filter_takes(name: str, operator: str, value: str, expected: str) -> None:
    assert filtered((name, operator, value)) == expected


def test_all_filters_of_an_include_have_to_hold() -> None:
    assert filtered(("concept", "is-a", "a"), ("colour", "=", "blue")) == "a2"


def test_includes_are_united_and_excludes_taken_away() -> None:
    some = composed(
        {"system": S, "concept": [{"code": "a"}, {"code": "z"}]},
        {"valueSet": ["urn:v1"]},
        exclude=({"system": S, "concept": [{"code": "b"}]}, {"system": "urn:t"}),
    )
    assert some == {S: {"a", "z", "a1"}}


def test_conditions_of_one_include_all_have_to_hold() -> None:
    assert composed({"valueSet": ["urn:v1", "urn:v2"]}) == {S: {"b"}}
    assert composed({"system": S, "valueSet": ["urn:v1"]}) == {S: {"a1", "b"}}


def test_an_expansion_counts_where_there_is_no_compose_or_it_cannot_be_followed() -> None:
    contains = [{"abstract": True, "contains": [{"system": S, "code": "q"}]}]
    expanded = {"expansion": {"total": 2, "contains": contains}}
    unknown = {"compose": {"include": [{"system": "urn:none"}]}, **expanded}
    sources = Sources({S: SYSTEM}.get, other)
    assert codes_of(expanded, sources) == codes_of(unknown, sources) == {S: {"q"}}


@pytest.mark.parametrize(
    "expansion",
    [
        {},
        {"total": 9, "contains": [{"system": S, "code": "q"}]},
        {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed",
                    "valueBoolean": True,
                }
            ],
            "contains": [{"system": S, "code": "q"}],
        },
    ],
)
def test_a_part_of_an_expansion_is_refused(expansion: dict[str, Any]) -> None:
    with pytest.raises(NotEnumerable, match="no complete expansion"):
        codes_of({"expansion": expansion}, Sources({S: SYSTEM}.get, other))


@pytest.mark.parametrize(
    ("include", "words"),
    [
        ({"system": "urn:none"}, "all codes of the code system urn:none"),
        ({"system": "urn:f"}, "all codes of the code system urn:f"),
        ({"valueSet": ["urn:none"]}, "urn:none"),
        ({}, "neither code system nor value set"),
        (
            {"system": S, "filter": [{"property": "concept", "op": "is-a", "value": "z"}]},
            "no code 'z'",
        ),
        (
            {"system": S, "filter": [{"property": "code", "op": "regex", "value": "("}]},
            "cannot be read",
        ),
        (
            {"system": S, "filter": [{"property": "colour", "op": "is-a", "value": "a"}]},
            "not supported",
        ),
    ],
)
def test_what_cannot_be_listed_is_refused(include: dict[str, Any], words: str) -> None:
    with pytest.raises(NotEnumerable, match=words):
        composed(include)


def test_hierarchies_in_circles_end() -> None:
    round_about = of_resource(
        {
            "url": "urn:r",
            "concept": [
                {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
                {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
            ],
        }
    )
    assert round_about.below("a") == round_about.above("a") == {"a", "b"}
