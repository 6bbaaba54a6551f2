"""ValueSet.compose over code systems given here, https://hl7.org/fhir/R4/valueset.html#compositions."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.composition import (
    Codes,
    Known,
    NotEnumerable,
    ancestors,
    code_system,
    compose,
    descendants,
    expanded,
)

S = "urn:s"
SYSTEM = code_system(
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
FRAGMENT = code_system({"url": "urn:f", "content": "fragment", "concept": [{"code": "x"}]})
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
    stated = {"include": list(include), "exclude": list(exclude)}
    return compose({"compose": stated}, Known(systems.get, other))


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


def test_a_system_and_value_sets_in_one_include_both_have_to_hold() -> None:
    assert composed({"system": S, "valueSet": ["urn:v1"]}) == {S: {"a1", "b"}}


def test_an_expansion_counts_when_it_is_whole() -> None:
    contains = [{"abstract": True, "contains": [{"system": S, "code": "q"}]}]
    assert expanded({"expansion": {"total": 2, "contains": contains}}) == {S: {"q"}}
    assert expanded({"expansion": {"total": 9, "contains": contains}}) is None
    assert expanded({}) is None


@pytest.mark.parametrize(
    ("include", "words"),
    [
        ({"system": "urn:none"}, "codes of urn:none"),
        ({"system": "urn:f"}, "codes of urn:f"),
        ({"valueSet": ["urn:none"]}, "urn:none"),
        (
            {"system": S, "filter": [{"property": "code", "op": "regex", "value": "("}]},
            "cannot be read",
        ),
        (
            {"system": S, "filter": [{"property": "colour", "op": "like", "value": "a"}]},
            "not supported",
        ),
    ],
)
def test_what_cannot_be_listed_is_refused(include: dict[str, Any], words: str) -> None:
    with pytest.raises(NotEnumerable, match=words):
        composed(include)


def test_hierarchies_in_circles_end() -> None:
    round_about = code_system(
        {
            "url": "urn:r",
            "concept": [
                {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
                {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
            ],
        }
    )
    assert (
        descendants(round_about.parents, "a") == ancestors(round_about.parents, "a") == {"a", "b"}
    )
