"""The table of invariants, https://hl7.org/fhir/R4/conformance-rules.html#constraints."""

from __future__ import annotations

from fhir_server.definitions import constraints, structures


def keys(path: str) -> list[str]:
    return [constraint.key for constraint in constraints.constraints(path)]


def test_inherited_invariants_stand_once_at_their_type() -> None:
    everywhere = [key for path in constraints.paths() for key in keys(path)]
    for key, path in [("ele-1", "Element"), ("ext-1", "Extension"), ("dom-2", "DomainResource")]:
        assert key in keys(path)
        assert everywhere.count(key) == 1


def test_an_elements_own_invariants_stand_at_its_path() -> None:
    assert keys("Patient.contact") == ["pat-1"]
    assert keys("Patient") == []


def test_warnings_are_told_from_errors() -> None:
    severities = {each.key: each.severity for each in constraints.constraints("DomainResource")}
    assert severities["dom-6"] == "warning"
    assert severities["dom-2"] == "error"


def test_a_simple_quantity_may_have_no_comparator() -> None:
    assert keys("Observation.referenceRange.low") == ["sqty-1"]
    assert keys("Observation.value[x]") == []


def test_a_key_is_unique_within_its_path() -> None:
    for path in constraints.paths():
        assert len(keys(path)) == len(set(keys(path))), path


def test_every_path_is_a_type_or_an_element() -> None:
    for path in constraints.paths():
        above, _, name = path.rpartition(".")
        assert name in structures.elements(above) if above else structures.kind(name)
