"""Scopes compared with scopes."""

from __future__ import annotations

import pytest

from smart_auth.granted_scope import known, limited, within

LAB = "patient/Observation.rs?category=http://t.example/c|laboratory"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("openid", "openid fhirUser"),
        ("patient/Patient.r", "patient/Patient.rs"),
        ("patient/Patient.read", "patient/Patient.rs"),
        ("patient/Patient.rs", "patient/Patient.read"),
        ("patient/Patient.rs", "patient/*.rs"),
        ("patient/*.rs", "patient/*.cruds"),
        (LAB, "patient/Observation.rs"),
        (LAB, LAB),
        ("", "openid"),
    ],
)
def test_these_lie_within(asked: str, granted: str) -> None:
    assert within(asked, granted)
    assert limited(asked, granted) == asked


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("fhirUser", "openid"),
        ("patient/Patient.rs", "patient/Patient.r"),
        ("patient/Patient.write", "patient/Patient.read"),
        ("patient/*.rs", "patient/Patient.rs"),
        ("user/Patient.rs", "patient/Patient.rs"),
        ("patient/Observation.rs", LAB),
        (LAB.replace("laboratory", "survey"), LAB),
        ("patient/Patient.rs openid", "patient/Patient.rs"),
        ("patient/Patient.sr", "patient/Patient.rs"),
        ("anything", ""),
    ],
)
def test_these_do_not(asked: str, granted: str) -> None:
    assert not within(asked, granted)


@pytest.mark.parametrize(
    ("asked", "most", "left"),
    [
        ("openid email", "openid", "openid"),
        ("patient/*.rs", "patient/Patient.r patient/Observation.cruds",
         "patient/Patient.r patient/Observation.rs"),
        ("patient/Observation.cruds", LAB, LAB),
        ("patient/*.rs", LAB, LAB),
        ("patient/*.rs?_tag=a", "patient/Patient.rs", "patient/Patient.rs?_tag=a"),
        ("patient/Patient.c", "patient/Patient.rs", ""),
        ("user/Patient.rs", "patient/*.rs", ""),
        ("patient/Patient.rs patient/Patient.rs", "patient/*.rs", "patient/Patient.rs"),
    ],
)  # fmt: skip
def test_what_is_left_of_a_wider_scope(asked: str, most: str, left: str) -> None:
    assert limited(asked, most) == left
    assert within(left, most)
    assert within(left, asked)


@pytest.mark.parametrize("scope", ["openid", "launch/patient", "system/*.read", LAB])
def test_scopes_of_smart_are_known(scope: str) -> None:
    assert known(scope)


@pytest.mark.parametrize(
    "scope", ["email", "patient/Foo.rs", "patient/Patient.sr", "patient/Patient"]
)
def test_others_are_not(scope: str) -> None:
    assert not known(scope)
