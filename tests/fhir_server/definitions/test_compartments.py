"""The table of compartments, https://hl7.org/fhir/R4/compartmentdefinition.html."""

from __future__ import annotations

import pytest

from fhir_server.definitions import compartments, search_parameters, structures


def test_r4_has_five_compartments() -> None:
    assert set(compartments.compartments()) == {
        "Device",
        "Encounter",
        "Patient",
        "Practitioner",
        "RelatedPerson",
    }


def test_observations_are_in_the_patient_compartment_by_subject_or_performer() -> None:
    assert compartments.membership("Patient", "Observation") == ("subject", "performer")


@pytest.mark.parametrize("resource_type", ["Organization", "Medication", "Ward"])
def test_other_types_never_are(resource_type: str) -> None:
    assert compartments.membership("Patient", resource_type) == ()


def test_the_focal_resource_is_in_its_own_compartment() -> None:
    for name in compartments.compartments():
        assert compartments.membership(name, name)[0] == compartments.SELF


def test_there_is_no_organization_compartment() -> None:
    with pytest.raises(KeyError):
        compartments.membership("Organization", "Patient")


def test_every_membership_is_a_reference_parameter_of_the_type() -> None:
    for name in compartments.compartments():
        for resource_type in structures.resource_types():
            for code in compartments.membership(name, resource_type):
                if code != compartments.SELF:
                    parameter = search_parameters.parameters(resource_type)[code]
                    assert parameter.type == "reference", (name, resource_type, code)
