"""The operations are defined as they are offered."""

from __future__ import annotations

import re
from pathlib import Path

from fhir_server import codec, validation
from fhir_server.definitions import profiles
from fhir_server.operations import OPERATIONS
from fhir_server.outcome import REFUSALS
from ui.refusals import SENTENCES

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


def test_each_reason_of_a_refusal_is_defined_and_has_a_sentence_for_people() -> None:
    resources = [each["resource"] for each in codec.decode(profiles.FILE.read_bytes())["entry"]]
    (system,) = (each for each in resources if each.get("url") == REFUSALS)
    defined = {each["code"] for each in system["concept"]}
    root = Path(__file__).parents[3]
    sources = [*root.glob("fhir_server/**/*.py"), *root.glob("billing/*.py")]
    given = {
        code for each in sources for code in re.findall(r'reason="([a-z-]+)"', each.read_text())
    }
    assert defined == given == set(SENTENCES)
