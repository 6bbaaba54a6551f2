"""What is not R4 is refused, with the place and what to do, https://hl7.org/fhir/R4/validation.html."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.errors import Invalid
from fhir_server.validation import check, validate
from tests.fhir_server.validation.broken import BROKEN
from tests.fhir_server.validation.rows import Broken, observation, patient


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row.name)
def test_broken_resource_is_refused_at_its_place(row: Broken) -> None:
    found = {(issue.code, issue.expression) for issue in validate(row.resource)}
    assert (row.code, row.expression) in found


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row.name)
def test_every_issue_is_an_error_with_a_sentence(row: Broken) -> None:
    for issue in validate(row.resource):
        assert issue.severity == "error"
        assert issue.diagnostics


def test_every_problem_is_listed() -> None:
    broken = patient(gender="mail", birthDate="2023-02-30", nmae=1, contact=[{"gender": "male"}])
    assert {issue.expression for issue in validate(broken)} == {
        "Patient.gender",
        "Patient.birthDate",
        "Patient.nmae",
        "Patient.contact[0]",
    }


def test_unknown_element_names_the_nearest() -> None:
    (issue,) = validate(patient(birtDate="2020"))
    assert "did you mean birthDate?" in issue.diagnostics


def test_wrong_code_lists_the_few_allowed() -> None:
    (issue,) = validate(patient(gender="mail"))
    assert "female, male, other, unknown" in issue.diagnostics


def test_expression_starts_at_the_given_path() -> None:
    (issue,) = validate(patient(active=1), path="Bundle.entry[3].resource")
    assert issue.expression == "Bundle.entry[3].resource.active"


def test_check_raises_with_all_issues() -> None:
    with pytest.raises(Invalid) as refusal:
        check(observation(status="x", valueString=1))
    assert len(refusal.value.issues) == 2


def test_check_lets_a_valid_resource_pass() -> None:
    check(observation(valueString="a"))


def _deep(levels: int) -> dict[str, Any]:
    extension: dict[str, Any] = {"url": "x:y", "valueString": ""}
    for _ in range(levels):
        extension = {"url": "x:y", "extension": [extension]}
    return patient(extension=[extension])


@pytest.mark.parametrize("levels", [50, 400, 5000])
def test_deep_nesting_gives_issues(levels: int) -> None:
    assert validate(_deep(levels))


@pytest.mark.parametrize(
    "odd",
    [
        None,
        1,
        "Patient",
        [],
        [patient()],
        {},
        {1: 2},
        {"resourceType": {}},
        patient(name=1, contact="x", link={"a": []}, photo=[[]]),
        {"resourceType": "Bundle", "type": [], "entry": [1, None, [], "x", {}]},
        {"resourceType": "Bundle", "type": "batch", "entry": {"resource": 1}},
        {"resourceType": "Parameters", "parameter": [{"name": 1, "part": 2}]},
        {"resourceType": "Condition", "clinicalStatus": {"coding": "x"}, "subject": []},
        {"resourceType": "Patient", "contained": {"id": 1}},
        {"resourceType": "Patient", "contained": [[1], {"id": [], "resourceType": 1}]},
        {"resourceType": "Patient", "name": [{"family": "\ud800"}], 5: 5},
        patient(name=[{"period": {"start": "T23", "end": "2023-01-01"}}]),
        {"resourceType": "Questionnaire", "status": 1, "item": [1, {"item": "x"}]},
        {
            "resourceType": "Observation",
            "code": 1,
            "component": [1, {"code": []}],
            "valueString": 1,
        },
    ],
    ids=repr,
)
def test_odd_input_gives_issues(odd: Any) -> None:
    assert validate(odd)
