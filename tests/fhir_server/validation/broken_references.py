"""References and contained resources that break R4."""

from __future__ import annotations

from tests.fhir_server.validation.rows import ORGANIZATION, Broken, condition, patient

REFERENCES = (
    Broken(
        "target type",
        condition(subject={"reference": "Location/1"}),
        "value",
        "Condition.subject.reference",
    ),
    Broken(
        "absolute target",
        condition(subject={"reference": "http://x.org/fhir/Location/1/_history/2"}),
        "value",
        "Condition.subject.reference",
    ),
    Broken(
        "conditional target",
        condition(subject={"reference": "Location?identifier=1"}),
        "value",
        "Condition.subject.reference",
    ),
    Broken(
        "type says other",
        condition(subject={"type": "Location", "display": "x"}),
        "value",
        "Condition.subject.type",
    ),
    Broken(
        "type and literal differ",
        condition(subject={"type": "Group", "reference": "Patient/1"}),
        "invariant",
        "Condition.subject.type",
    ),
    Broken(
        "no type", condition(subject={"reference": "1234"}), "value", "Condition.subject.reference"
    ),
    Broken(
        "unknown type",
        condition(subject={"reference": "Person1/1"}),
        "value",
        "Condition.subject.reference",
    ),
    Broken(
        "long id",
        condition(subject={"reference": "Patient/" + "1" * 65}),
        "value",
        "Condition.subject.reference",
    ),
    Broken(
        "nothing contained",
        patient(managingOrganization={"reference": "#o"}),
        "invariant",
        "Patient.managingOrganization.reference",
    ),
    Broken(
        "other contained",
        patient(contained=[ORGANIZATION], managingOrganization={"reference": "#p"}),
        "invariant",
        "Patient.managingOrganization.reference",
    ),
    Broken(
        "contained target",
        patient(
            contained=[ORGANIZATION],
            generalPractitioner=[{"reference": "#o"}],
            link=[{"type": "refer", "other": {"reference": "#o"}}],
        ),
        "value",
        "Patient.link[0].other.reference",
    ),
    Broken(
        "contained in contained",
        patient(
            contained=[{**ORGANIZATION, "contained": [ORGANIZATION]}],
            managingOrganization={"reference": "#o"},
        ),
        "invariant",
        "Patient.contained[0].contained",
    ),
    Broken(
        "contained without id",
        patient(contained=[{"resourceType": "Organization", "name": "A"}]),
        "required",
        "Patient.contained[0].id",
    ),
    Broken(
        "contained version",
        patient(
            contained=[{**ORGANIZATION, "meta": {"versionId": "1"}}],
            managingOrganization={"reference": "#o"},
        ),
        "invariant",
        "Patient.contained[0].meta.versionId",
    ),
    Broken(
        "contained security",
        patient(
            contained=[{**ORGANIZATION, "meta": {"security": [{"code": "R"}]}}],
            managingOrganization={"reference": "#o"},
        ),
        "invariant",
        "Patient.contained[0].meta.security",
    ),
    Broken(
        "contained without type",
        patient(contained=[{"id": "o"}]),
        "structure",
        "Patient.contained[0].resourceType",
    ),
    Broken("contained a string", patient(contained=["o"]), "structure", "Patient.contained[0]"),
    Broken(
        "contained broken",
        patient(
            contained=[{**ORGANIZATION, "active": "yes"}], managingOrganization={"reference": "#o"}
        ),
        "structure",
        "Patient.contained[0].active",
    ),
    Broken(
        "contained date",
        patient(
            contained=[{"resourceType": "Practitioner", "id": "p", "birthDate": "2023-02-30"}],
            generalPractitioner=[{"reference": "#p"}],
        ),
        "value",
        "Patient.contained[0].birthDate",
    ),
)
