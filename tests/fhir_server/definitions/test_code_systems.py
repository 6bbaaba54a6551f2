"""Codes above and below others in R4, https://hl7.org/fhir/R4/codesystem.html#hierarchy."""

from __future__ import annotations

from fhir_server.definitions.code_systems import ancestors, descendants, systems_of

V3 = "http://terminology.hl7.org/CodeSystem/v3-"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def test_nested_concepts_lie_below_and_each_code_counts_itself() -> None:
    assert descendants(CLINICAL, "active") == {"active", "recurrence", "relapse"}
    assert ancestors(CLINICAL, "relapse") == {"relapse", "active"}
    assert ancestors(CLINICAL, "active") == {"active"}


def test_the_property_child_puts_a_concept_under_a_second_parent() -> None:
    assert {"NCCF", "SNF"} & descendants(V3 + "RoleCode", "_ServiceDeliveryLocationRoleType")
    above = ancestors(V3 + "NullFlavor", "ASKU")
    assert {"ASKU", "UNK", "NI"} <= above
    assert "NASK" not in above


def test_an_unknown_system_or_code_has_only_the_code_itself() -> None:
    assert ancestors("urn:none", "a") == descendants("urn:none", "a") == {"a"}
    assert descendants(CLINICAL, "none") == {"none"}


def test_systems_of_a_code_are_those_with_a_hierarchy() -> None:
    assert systems_of("relapse") >= {CLINICAL}
    assert systems_of("female").isdisjoint({"http://hl7.org/fhir/administrative-gender"})
    assert systems_of("no such code") == frozenset()
