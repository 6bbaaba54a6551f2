"""The table of operations, https://hl7.org/fhir/R4/operationslist.html."""

from __future__ import annotations

from fhir_server.definitions import operations, structures


def test_r4_has_46_operations() -> None:
    assert len(operations.operations()) == 46


def test_patient_everything_is_of_type_and_instance() -> None:
    (everything,) = [o for o in operations.by_code("everything") if o.resources == ("Patient",)]
    assert (everything.system, everything.type, everything.instance) == (False, True, True)
    assert everything.parameters[0].name == "start"
    assert everything.parameters[0].type == "date"


def test_parameters_may_consist_of_parts() -> None:
    (lookup,) = operations.by_code("lookup")
    (designation,) = [p for p in lookup.parameters if p.name == "designation"]
    assert designation.max is None
    assert [part.name for part in designation.parts] == ["language", "use", "value"]


def test_an_unknown_code_has_no_operations() -> None:
    assert operations.by_code("$everything") == ()


def test_every_operation_can_be_called_somewhere_on_known_types() -> None:
    known = {*structures.resource_types(), "Resource"}
    for operation in operations.operations():
        assert operation.system or operation.type or operation.instance
        assert known.issuperset(operation.resources)
