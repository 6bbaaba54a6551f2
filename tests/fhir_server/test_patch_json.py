"""JSON Patch on a resource, https://hl7.org/fhir/R4/http.html#patch."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fhir_server import codec
from fhir_server.errors import Invalid, Malformed
from fhir_server.patch import apply_json_patch

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "ann",
    "active": True,
    "name": [{"family": "Lee", "given": ["Ann", "Bea"]}],
    "birthDate": "1970-01-01",
}


def test_operations_are_carried_out_in_order_on_a_copy() -> None:
    before = copy.deepcopy(PATIENT)
    after = apply_json_patch(
        PATIENT,
        [
            {"op": "test", "path": "/active", "value": True},
            {"op": "replace", "path": "/active", "value": False},
            {"op": "add", "path": "/name/0/given/-", "value": "Cyd"},
            {"op": "remove", "path": "/birthDate"},
        ],
    )
    assert after["active"] is False
    assert after["name"][0]["given"] == ["Ann", "Bea", "Cyd"]
    assert "birthDate" not in after
    assert before == PATIENT


def test_decimals_keep_their_digits() -> None:
    observation = codec.decode(b'{"resourceType":"Observation","valueQuantity":{"value":1.50}}')
    added = codec.decode(b'[{"op":"add","path":"/note","value":2.00}]')
    after = apply_json_patch(observation, added)
    assert str(after["valueQuantity"]["value"]) == "1.50"
    assert str(after["note"]) == "2.00"
    assert isinstance(after["note"], Decimal)


def test_key_order_stays() -> None:
    after = apply_json_patch(PATIENT, [{"op": "replace", "path": "/active", "value": False}])
    assert list(after) == list(PATIENT)


def test_removing_the_last_value_of_a_list_removes_the_list() -> None:
    after = apply_json_patch(PATIENT, [{"op": "remove", "path": "/name/0"}])
    assert "name" not in after


def test_an_empty_list_that_the_client_adds_is_left_for_validation_to_refuse() -> None:
    after = apply_json_patch(PATIENT, [{"op": "add", "path": "/telecom", "value": []}])
    assert after["telecom"] == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        "x",
        None,
        ["x"],
        [{}],
        [{"op": "spam", "path": "/active"}],
        [{"op": ["add"], "path": "/active"}],
        [{"op": "append", "path": "/birthDate", "value": "x"}],
        [{"op": "add", "path": "/active"}],
        [{"op": "add", "value": 1}],
        [{"op": "add", "path": 5, "value": 1}],
        [{"op": "add", "path": "active", "value": 1}],
        [{"op": "remove", "path": "/a~2"}],
        [{"op": "move", "path": "/active"}],
        [{"op": "copy", "from": 1, "path": "/active"}],
    ],
)
def test_a_document_that_is_no_json_patch_is_malformed(document: object) -> None:
    with pytest.raises(Malformed):
        apply_json_patch(PATIENT, document)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/active", "value": False},
        {"op": "test", "path": "/nowhere", "value": 1},
        {"op": "test", "path": "/active", "value": 1},
        {"op": "remove", "path": "/nowhere"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/name/7", "value": {}},
        {"op": "add", "path": "/name/x", "value": {}},
        {"op": "add", "path": "/active/x", "value": 1},
        {"op": "move", "from": "/name", "path": "/name/0/given"},
        {"op": "copy", "from": "/nowhere", "path": "/x"},
    ],
)
def test_an_operation_that_cannot_be_carried_out_is_named(operation: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="Operation 1"):
        apply_json_patch(PATIENT, [{"op": "test", "path": "/active", "value": True}, operation])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/id", "value": "bob"},
        {"op": "remove", "path": "/id"},
        {"op": "replace", "path": "/resourceType", "value": "Group"},
        {"op": "replace", "path": "", "value": {"resourceType": "Group", "id": "ann"}},
        {"op": "replace", "path": "", "value": 5},
    ],
)
def test_a_patch_cannot_make_another_resource_of_it(operation: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        apply_json_patch(PATIENT, [operation])


def test_copies_that_double_the_document_are_refused() -> None:
    bomb = [{"op": "copy", "from": "", "path": f"/x{index}"} for index in range(40)]
    with pytest.raises(Invalid, match="copies more"):
        apply_json_patch(PATIENT, bomb)


def test_copies_that_nest_without_end_are_refused() -> None:
    path, bomb = "", []
    for _ in range(1500):
        bomb.append({"op": "add", "path": path + "/x", "value": {}})
        path += "/x"
    with pytest.raises(Invalid):
        apply_json_patch(PATIENT, bomb)
