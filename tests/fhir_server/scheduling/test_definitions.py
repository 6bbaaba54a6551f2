"""The operations are defined as they are offered."""

from __future__ import annotations

from pathlib import Path

from fhir_server import codec, validation
from fhir_server.operations import OPERATIONS

FILE = Path(__file__).parents[3] / "profiles" / "local" / "operations.json"


def test_each_operation_of_appointment_is_defined_as_it_is_offered() -> None:
    bundle = codec.decode(FILE.read_bytes())
    assert validation.validate(bundle) == []
    defined = {
        (each["resource"]["url"], each["resource"]["code"]): (
            frozenset(level for level in ("type", "instance") if each["resource"][level]),
            each["resource"]["affectsState"],
        )
        for each in bundle["entry"]
    }
    offered = {
        (each.definition, each.code): (each.levels, each.changes)
        for each in OPERATIONS
        if each.types == {"Appointment"}
    }
    assert defined == offered
