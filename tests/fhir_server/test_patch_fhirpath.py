"""FHIRPath Patch, https://hl7.org/fhir/R4/fhirpatch.html."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fhir_server.errors import Invalid
from fhir_server.patch import apply_fhirpath_patch

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "ann",
    "identifier": [{"system": "s", "value": str(number)} for number in range(3)],
    "active": True,
    "name": [
        {"use": "official", "family": "Lee", "given": ["Ann", "Bea"]},
        {"use": "nickname", "given": ["Nan"]},
    ],
    "birthDate": "1970-01-01",
    "deceasedBoolean": False,
    "maritalStatus": {"text": "Married"},
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "valueQuantity": {"value": Decimal("1.50"), "unit": "kg"},
    "component": [
        {"code": {"text": "a"}, "valueString": "x"},
        {"code": {"text": "b"}, "valueInteger": 5},
    ],
}
NAME, INDEX = "valueString", "valueInteger"


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "operation", "part": _parts(each)} for each in operations],
    }


def _parts(operation: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {"type": "valueCode", "path": NAME, "name": NAME, "index": INDEX}
    kinds |= {"source": INDEX, "destination": INDEX}
    return [
        {"name": name, **value} if name == "value" else {"name": name, kinds[name]: value}
        for name, value in operation.items()
    ]


def apply(resource: dict[str, Any], **operation: Any) -> dict[str, Any]:
    before = copy.deepcopy(resource)
    after = apply_fhirpath_patch(resource, patch(operation))
    assert resource == before
    return after


def test_add_appends_to_a_list() -> None:
    value = {"valueIdentifier": {"value": "9"}}
    after = apply(PATIENT, type="add", path="Patient", name="identifier", value=value)
    assert [each["value"] for each in after["identifier"]] == ["0", "1", "2", "9"]


def test_add_makes_a_list_where_the_element_repeats() -> None:
    value = {"valueContactPoint": {"value": "1"}}
    after = apply(PATIENT, type="add", path="Patient", name="telecom", value=value)
    assert after["telecom"] == [{"value": "1"}]


def test_add_sets_a_single_element_that_is_absent() -> None:
    value = {"valueCode": "female"}
    after = apply(PATIENT, type="add", path="Patient", name="gender", value=value)
    assert after["gender"] == "female"


def test_add_of_a_single_element_that_is_there_is_refused() -> None:
    with pytest.raises(Invalid, match="has a value already"):
        apply(
            PATIENT, type="add", path="Patient", name="birthDate", value={"valueDate": "1971-01-01"}
        )


def test_add_of_a_second_choice_is_refused() -> None:
    value = {"valueDateTime": "2020"}
    with pytest.raises(Invalid, match="has a value already"):
        apply(PATIENT, type="add", path="Patient", name="deceased", value=value)


def test_add_of_a_choice_names_it_by_the_type_of_the_value() -> None:
    value = {"valueInteger": 2}
    after = apply(PATIENT, type="add", path="Patient", name="multipleBirth", value=value)
    assert after["multipleBirthInteger"] == 2


def test_add_of_a_choice_that_the_element_does_not_allow_is_refused() -> None:
    value = {"valueString": "twin"}
    with pytest.raises(Invalid, match="takes boolean, integer"):
        apply(PATIENT, type="add", path="Patient", name="multipleBirth", value=value)


def test_add_of_parts_builds_an_element_without_a_type_of_its_own() -> None:
    contact = {
        "part": [
            {"name": "name", "valueHumanName": {"text": "a name"}},
            {"name": "relationship", "valueCodeableConcept": {"text": "kin"}},
            {"name": "gender", "valueCode": "male"},
        ]
    }
    after = apply(PATIENT, type="add", path="Patient", name="contact", value=contact)
    assert after["contact"] == [
        {"name": {"text": "a name"}, "relationship": [{"text": "kin"}], "gender": "male"}
    ]


def test_add_of_parts_that_the_element_does_not_have_is_refused() -> None:
    contact = {"part": [{"name": "spam", "valueString": "x"}]}
    with pytest.raises(Invalid, match="no element 'spam'"):
        apply(PATIENT, type="add", path="Patient", name="contact", value=contact)


def test_add_puts_an_extension_beside_a_primitive() -> None:
    extension = {"valueExtension": {"url": "http://x", "valueString": "y"}}
    value = {"part": [{"name": "url", "valueUri": "http://x"}, {"name": "value", NAME: "y"}]}
    after = apply(PATIENT, type="add", path="Patient.birthDate", name="extension", value=value)
    assert after["_birthDate"] == {"extension": [{"url": "http://x", "valueString": "y"}]}
    assert after["birthDate"] == "1970-01-01"
    with pytest.raises(Invalid, match="value\\[x\\]"):
        apply(PATIENT, type="add", path="Patient.birthDate", name="extension", value=extension)


def test_add_puts_an_extension_beside_one_value_of_a_list() -> None:
    value = {"part": [{"name": "url", "valueUri": "http://x"}]}
    path = "Patient.name[0].given[1]"
    after = apply(PATIENT, type="add", path=path, name="extension", value=value)
    assert after["name"][0]["_given"] == [None, {"extension": [{"url": "http://x"}]}]


def test_add_inside_a_nested_element_found_by_a_predicate() -> None:
    path = "Patient.name.where(use = 'nickname')"
    after = apply(PATIENT, type="add", path=path, name="family", value={NAME: "Li"})
    assert after["name"][1]["family"] == "Li"


def test_a_path_to_several_elements_is_refused() -> None:
    with pytest.raises(Invalid, match="leads to 2 elements"):
        apply(PATIENT, type="add", path="Patient.name", name="family", value={NAME: "Li"})


def test_insert_puts_the_value_at_the_index() -> None:
    value = {"valueIdentifier": {"value": "9"}}
    after = apply(PATIENT, type="insert", path="Patient.identifier", index=3, value=value)
    assert [each["value"] for each in after["identifier"]] == ["0", "1", "2", "9"]
    after = apply(PATIENT, type="insert", path="identifier", index=0, value=value)
    assert [each["value"] for each in after["identifier"]] == ["9", "0", "1", "2"]


def test_insert_beyond_the_list_is_refused() -> None:
    value = {"valueIdentifier": {"value": "9"}}
    for index in (4, -1):
        with pytest.raises(Invalid, match="out of range"):
            apply(PATIENT, type="insert", path="Patient.identifier", index=index, value=value)


def test_insert_into_something_that_is_no_list_is_refused() -> None:
    with pytest.raises(Invalid, match="no list"):
        apply(PATIENT, type="insert", path="Patient.active", index=0, value={"valueBoolean": True})


def test_delete_removes_one_element() -> None:
    assert "birthDate" not in apply(PATIENT, type="delete", path="Patient.birthDate")
    after = apply(PATIENT, type="delete", path="Patient.name[0].given.first()")
    assert after["name"][0]["given"] == ["Bea"]


def test_delete_of_the_last_value_leaves_no_empty_container() -> None:
    assert "maritalStatus" not in apply(PATIENT, type="delete", path="Patient.maritalStatus.text")


def test_delete_of_nothing_is_fine() -> None:
    assert apply(PATIENT, type="delete", path="Patient.telecom") == PATIENT


def test_delete_of_several_is_refused() -> None:
    with pytest.raises(Invalid, match="leads to 3 elements"):
        apply(PATIENT, type="delete", path="Patient.identifier")


def test_delete_of_the_resource_is_refused() -> None:
    with pytest.raises(Invalid, match="use DELETE"):
        apply(PATIENT, type="delete", path="Patient")


def test_replace_changes_one_element_and_keeps_its_place() -> None:
    value = {"valueDate": "1980-02-03"}
    after = apply(PATIENT, type="replace", path="Patient.birthDate", value=value)
    assert after["birthDate"] == "1980-02-03"
    assert list(after) == list(PATIENT)


def test_replace_may_change_the_type_of_a_choice() -> None:
    value = {"valueDateTime": "2020"}
    after = apply(PATIENT, type="replace", path="Patient.deceased", value=value)
    assert after["deceasedDateTime"] == "2020"
    assert "deceasedBoolean" not in after
    assert list(after).index("deceasedDateTime") == list(PATIENT).index("deceasedBoolean")


def test_replace_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid, match="leads to 0 elements"):
        apply(PATIENT, type="replace", path="Patient.gender", value={"valueCode": "male"})


def test_replace_with_a_value_of_another_kind_is_refused() -> None:
    with pytest.raises(Invalid, match="takes date"):
        apply(PATIENT, type="replace", path="Patient.birthDate", value={"valueBoolean": True})


@pytest.mark.parametrize(
    ("source", "destination", "order"),
    [(0, 2, "120"), (2, 0, "201"), (1, 1, "012"), (1, 2, "021")],
)
def test_move_changes_the_order(source: int, destination: int, order: str) -> None:
    path = "Patient.identifier"
    after = apply(PATIENT, type="move", path=path, source=source, destination=destination)
    assert "".join(each["value"] for each in after["identifier"]) == order


def test_move_beyond_the_list_is_refused() -> None:
    with pytest.raises(Invalid, match="out of range"):
        apply(PATIENT, type="move", path="Patient.identifier", source=0, destination=3)


def test_a_choice_is_reached_by_its_bare_name_and_by_its_type() -> None:
    value = {"valueDecimal": Decimal("2.00")}
    for path in ("Observation.value.value", "Observation.value.ofType(Quantity).value"):
        after = apply(OBSERVATION, type="replace", path=path, value=value)
        assert str(after["valueQuantity"]["value"]) == "2.00"
    path = "Observation.value.ofType(string)"
    with pytest.raises(Invalid, match="leads to 0"):
        apply(OBSERVATION, type="replace", path=path, value=value)


def test_a_predicate_may_ask_for_a_choice_of_a_backbone_element() -> None:
    path = "Observation.component.where(value = 5).code.text"
    after = apply(OBSERVATION, type="replace", path=path, value={NAME: "found"})
    assert after["component"][1]["code"]["text"] == "found"


def test_a_predicate_may_ask_for_a_primitive_itself() -> None:
    path = "Patient.name.given.where($this = 'Bea')"
    after = apply(PATIENT, type="replace", path=path, value={NAME: "Bo"})
    assert after["name"][0]["given"] == ["Ann", "Bo"]


def test_an_extension_is_found_by_its_url() -> None:
    patient = {**PATIENT, "_birthDate": {"extension": [{"url": "u", "valueString": "a"}]}}
    path = "Patient.birthDate.extension('u').value"
    after = apply(patient, type="replace", path=path, value={NAME: "b"})
    assert after["_birthDate"]["extension"][0]["valueString"] == "b"
    assert "_birthDate" not in apply(
        patient, type="delete", path="Patient.birthDate.extension('u')"
    )


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Patient..name",
        "Patient.name[",
        "Patient.name[-1]",
        "Patient.spam",
        "Group.member",
        "Patient.name.where(",
        "Patient.name.where(use = )",
        "Patient.name.where(use)",
        "Patient.name.where(family.matches('(a+)+$'))",
        "Patient.name.where(nothing())",
        "Patient.descendants()",
        "Patient.name.first(1)",
        "Patient.name.single()",
        "Patient.extension(url)",
        "Patient.birthDate.value",
        "Patient.name | Patient.contact",
        "x" * 3000,
    ],
)
def test_a_path_that_cannot_lead_to_an_element_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match="Operation 0"):
        apply(PATIENT, type="delete", path=path)


@pytest.mark.parametrize(
    "parameters",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": {}},
        {"resourceType": "Parameters", "parameter": [5]},
        {"resourceType": "Parameters", "parameter": [{"name": "spam"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": 5}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [5]}]},
        patch({"type": "spam", "path": "Patient"}),
        patch({"type": "add", "path": "Patient", "name": "active"}),
        patch({"type": "add", "path": "Patient", "name": "name", "value": {"part": 5}}),
        patch({"type": "add", "path": "Patient", "name": "gender", "value": {"valueSpam": 5}}),
        patch({"type": "add", "path": "Patient", "name": "gender", "value": {}}),
        patch({"type": "replace", "path": "Patient", "value": {NAME: "x"}}),
        patch({"type": "move", "path": "Patient.identifier", "source": 0}),
    ],
)
def test_parameters_that_are_no_fhirpath_patch_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        apply_fhirpath_patch(PATIENT, parameters)


def test_the_failing_operation_is_named() -> None:
    good = {"type": "delete", "path": "Patient.active"}
    with pytest.raises(Invalid, match="Operation 1") as found:
        apply_fhirpath_patch(PATIENT, patch(good, {"type": "delete", "path": "Patient.spam"}))
    assert found.value.expression == "Parameters.parameter[1]"


def test_the_id_cannot_be_changed() -> None:
    with pytest.raises(Invalid, match="may not change id"):
        apply(PATIENT, type="replace", path="Patient.id", value={"valueId": "bob"})
    with pytest.raises(Invalid, match="may not change id"):
        apply(PATIENT, type="delete", path="Patient.id")


def test_a_contained_resource_is_added_and_changed() -> None:
    value = {"resource": {"resourceType": "Organization", "id": "o", "name": "Old"}}
    after = apply(PATIENT, type="add", path="Patient", name="contained", value=value)
    after = apply(after, type="replace", path="Patient.contained[0].name", value={NAME: "New"})
    assert after["contained"] == [{"resourceType": "Organization", "id": "o", "name": "New"}]
