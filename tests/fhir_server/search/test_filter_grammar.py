"""Whatever _filter says, it is an expression or refused; what is printed is read as the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fhir_server.errors import InvalidParameter
from fhir_server.search import sql
from fhir_server.search.filter_grammar import (
    OPERATORS,
    And,
    Expression,
    Negation,
    Or,
    ParamExp,
    Step,
    parse_filter,
)
from fhir_server.search.parse import parse

FUZZ = settings(max_examples=300, deadline=None)
TYPES = st.sampled_from(["Patient", "Observation", "Group", "DocumentReference", "ValueSet"])
NAMES = st.sampled_from(
    ["family", "gender", "birthdate", "organization", "subject", "subject:Patient", "code", "date",
     "value-quantity", "characteristic", "relatesTo", "target", "value", "_id", "_lastUpdated",
     "_has:Observation:patient:code", "_has:Observation:patient:subject", "name", "partof", "url",
     "_filter", "and", "not", "x"]
)  # fmt: skip
VALUES = st.sampled_from(
    ["true", "false", "x", "2020", "2020-01-01T10:00:00+02:00", "5.4", "1e2", "5|ucum|mg", "a|b|c",
     "loinc|8867-4", "Patient/1", "http://a.b/c", "ge5", "9999999999", "a$b", "\\", "(", "\u00fc"]
)  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
PIECES = st.one_of(
    NAMES,
    st.sampled_from(OPERATORS),
    VALUES,
    st.sampled_from(["and", "or", "not", "(", ")", "[", "]", ".", '"', " ", " ", " ", "\\", ":"]),
    st.text(max_size=3),
)


def paths(filters: st.SearchStrategy[Expression]) -> st.SearchStrategy[tuple[Step, ...]]:
    before = st.builds(Step, NAMES, st.none() | filters)
    return st.builds(lambda steps, last: (*steps, Step(last)), st.lists(before, max_size=2), NAMES)


def comparisons(filters: st.SearchStrategy[Expression]) -> st.SearchStrategy[ParamExp]:
    return st.builds(ParamExp, paths(filters), st.sampled_from(OPERATORS), VALUES | TEXTS)


def joined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return (
        st.builds(And, parts)
        | st.builds(Or, parts)
        | st.builds(Negation, inner)
        | comparisons(inner)
    )


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    comparisons(st.nothing()), joined, max_leaves=6
)


def printed(expression: Expression) -> str:
    match expression:
        case And():
            return " and ".join(grouped(part) for part in expression.parts)
        case Or():
            return " or ".join(grouped(part) for part in expression.parts)
        case Negation():
            return f"not ({printed(expression.part)})"
    path = ".".join(
        step.name + (f"[{printed(step.filter)}]" if step.filter else "") for step in expression.path
    )
    return f"{path} {expression.operator} {json.dumps(expression.value)}"


def grouped(part: Expression) -> str:
    return f"({printed(part)})" if isinstance(part, And | Or) else printed(part)


def said(kind: str, text: str) -> str:
    """Return why the filter is refused, "" when it can be asked of the database."""
    try:
        sql.matches(parse(kind, [("_filter", text)]))
    except InvalidParameter as error:
        return str(error)
    return ""


def check(kind: str, text: str) -> None:
    refused = said(kind, text)
    assert not refused or "_filter" in refused or "NUL" in refused


@FUZZ
@given(expression=EXPRESSIONS)
def test_what_is_printed_is_read_as_the_same(expression: Expression) -> None:
    assert parse_filter(printed(expression)) == expression


@FUZZ
@given(kind=TYPES, text=st.text(max_size=60))
@example(kind="Patient", text='family eq "\\')
def test_any_text_is_read_or_refused(kind: str, text: str) -> None:
    check(kind, text)


@FUZZ
@given(kind=TYPES, pieces=st.lists(PIECES, max_size=12))
def test_any_pieces_are_read_or_refused(kind: str, pieces: list[str]) -> None:
    check(kind, " ".join(pieces))
    check(kind, "".join(pieces))


@FUZZ
@given(kind=TYPES, expression=EXPRESSIONS)
def test_any_expression_means_something_or_is_refused(kind: str, expression: Expression) -> None:
    check(kind, printed(expression))


@pytest.mark.parametrize("sign", ['"', "(", "[", " ", "\\", "a", "not(", "a.", "a[", "a eq b or "])
def test_a_megabyte_of_anything_is_refused_at_once(sign: str) -> None:
    with pytest.raises(InvalidParameter, match="_filter, character"):
        parse_filter(sign * (1_000_000 // len(sign)))


def test_a_token_goes_on_to_white_space_or_a_closing_bracket() -> None:
    assert parse_filter("(a eq b(c,d)") == ParamExp((Step("a"),), "eq", "b(c,d")
    assert parse_filter("a eq b\u00a0or a eq c") == Or(
        (ParamExp((Step("a"),), "eq", "b"), ParamExp((Step("a"),), "eq", "c"))
    )


def test_a_string_may_hold_what_ends_a_token() -> None:
    assert parse_filter(r'a eq "b) ] \" \u00fc"') == ParamExp((Step("a"),), "eq", 'b) ] " \u00fc')
