"""Composing value sets, https://hl7.org/fhir/R4/valueset.html#compositions."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.composition import (
    Known,
    NotEnumerable,
    code_system,
    compose,
    expanded,
)

COLOURS = "urn:colours"
SYSTEM = code_system(
    {
        "content": "complete",
        "concept": [
            {
                "code": "colour",
                "concept": [
                    {
                        "code": "red",
                        "display": "Red",
                        "property": [{"code": "warm", "valueBoolean": True}],
                        "concept": [{"code": "crimson"}],
                    },
                    {"code": "blue", "property": [{"code": "warm", "valueBoolean": False}]},
                ],
            },
            {"code": "navy", "property": [{"code": "parent", "valueCode": "blue"}]},
            {"code": "none", "property": [{"code": "child", "valueCode": "black"}]},
            {"code": "black"},
        ],
    }
)
REDS = {COLOURS: frozenset({"red", "crimson"})}


def find(url: str) -> dict[str, frozenset[str]]:
    if url != "urn:reds":
        raise NotEnumerable(f"{url!r} is unknown.")
    return REDS


KNOWN = Known({COLOURS: SYSTEM}.get, find)


def codes(*include: dict[str, Any], exclude: tuple[dict[str, Any], ...] = ()) -> set[str]:
    composed = compose({"compose": {"include": list(include), "exclude": list(exclude)}}, KNOWN)
    return {code for listed in composed.values() for code in listed}


def by(prop: str, op: str, value: str) -> dict[str, Any]:
    return {"system": COLOURS, "filter": [{"property": prop, "op": op, "value": value}]}


@pytest.mark.parametrize(
    ("prop", "op", "value", "expected"),
    [
        ("concept", "is-a", "red", "red crimson"),
        ("concept", "is-a", "blue", "blue navy"),
        ("concept", "is-a", "none", "none black"),
        ("concept", "descendent-of", "colour", "red crimson blue navy"),
        ("concept", "is-not-a", "colour", "none black"),
        ("concept", "generalizes", "crimson", "crimson red colour"),
        ("concept", "in", "red, blue, pink", "red blue"),
        ("concept", "not-in", "red,blue,navy,crimson,colour", "none black"),
        ("code", "regex", "[bn].+", "blue navy none black"),
        ("code", "regex", "(dark)?(red|blue)", "red blue"),
        ("warm", "=", "true", "red"),
        ("warm", "exists", "true", "red blue"),
        ("warm", "exists", "false", "colour crimson navy none black"),
        ("display", "=", "Red", "red"),
        ("parent", "=", "red", "crimson"),
        ("child", "=", "crimson", "red"),
    ],
)
def test_a_filter_selects_concepts(prop: str, op: str, value: str, expected: str) -> None:
    assert codes(by(prop, op, value)) == set(expected.split())


def test_includes_are_united_and_what_is_excluded_goes() -> None:
    listed = {"system": COLOURS, "concept": [{"code": "blue"}]}
    assert codes(listed, {"valueSet": ["urn:reds"]}) == {"blue", "red", "crimson"}
    assert codes({"system": COLOURS}, exclude=(by("concept", "is-a", "colour"),)) == {
        "none",
        "black",
    }


def test_system_and_value_set_of_one_include_both_have_to_hold() -> None:
    assert codes({**by("concept", "is-a", "crimson"), "valueSet": ["urn:reds"]}) == {"crimson"}


@pytest.mark.parametrize(
    ("include", "words"),
    [
        ({"system": "urn:other"}, "urn:other"),
        ({"valueSet": ["urn:blues"]}, "urn:blues"),
        (by("concept", "child-of", "red"), "child-of"),
        (by("code", "regex", "(a+)+b"), "too complex"),
        (by("code", "regex", "(a|aa)*b"), "too complex"),
        (by("code", "regex", "a*a*a*a*b"), "too complex"),
        (by("code", "regex", "["), "wrong"),
        (by("code", "regex", "a" * 201), "too complex"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_and_named(include: dict[str, Any], words: str) -> None:
    with pytest.raises(NotEnumerable, match=words):
        codes(include)


def test_a_value_set_without_anything_is_refused() -> None:
    with pytest.raises(NotEnumerable, match="neither"):
        compose({}, KNOWN)


def test_a_system_of_which_only_examples_are_there_is_not_enumerated() -> None:
    fragment = code_system({"content": "fragment", "concept": [{"code": "a"}]})
    known = Known({"urn:f": fragment}.get, find)
    with pytest.raises(NotEnumerable, match="urn:f"):
        compose({"compose": {"include": [{"system": "urn:f"}]}}, known)


def test_an_expansion_has_its_codes_but_headings() -> None:
    contains = [
        {"abstract": True, "system": "s", "code": "h", "contains": [{"system": "s", "code": "a"}]},
        {"display": "Others", "contains": [{"system": "t", "code": "b"}]},
    ]
    value_set = {"expansion": {"contains": contains}}
    assert expanded(value_set) == {"s": {"a"}, "t": {"b"}}
    assert expanded({"expansion": {"total": 9, "contains": contains}}) is None
    assert expanded({}) is None
