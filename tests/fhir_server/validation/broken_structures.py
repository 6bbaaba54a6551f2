"""Resources whose structure, codes or inner resources break R4."""

from __future__ import annotations

from tests.fhir_server.validation.rows import (
    Broken,
    bundle,
    condition,
    dosed,
    extended,
    observation,
    patient,
    terminology,
)

STRUCTURES = (
    Broken("no resourceType", {"id": "1"}, "structure", "resourceType"),
    Broken("resourceType null", {"resourceType": None}, "structure", "resourceType"),
    Broken("resourceType a list", {"resourceType": ["Patient"]}, "structure", "resourceType"),
    Broken("unknown type", {"resourceType": "Patiënt"}, "structure", "resourceType"),
    Broken("abstract type", {"resourceType": "DomainResource"}, "structure", "resourceType"),
    Broken("R4B type", {"resourceType": "Ingredient"}, "structure", "resourceType"),
    Broken("unknown element", patient(nmae=[]), "structure", "Patient.nmae"),
    Broken(
        "unknown nested", patient(name=[{"giben": ["a"]}]), "structure", "Patient.name[0].giben"
    ),
    Broken(
        "resourceType inside",
        patient(name=[{"resourceType": "HumanName"}]),
        "structure",
        "Patient.name[0].resourceType",
    ),
    Broken("array for one", patient(gender=["male"]), "structure", "Patient.gender"),
    Broken("one for array", patient(name={"family": "A"}), "structure", "Patient.name"),
    Broken("string for object", patient(name=["Smith"]), "structure", "Patient.name[0]"),
    Broken("list of lists", patient(name=[[{"family": "A"}]]), "structure", "Patient.name[0]"),
    Broken("object for string", patient(gender={"value": "male"}), "structure", "Patient.gender"),
    Broken("null", patient(gender=None), "structure", "Patient.gender"),
    Broken("null object", patient(maritalStatus=None), "structure", "Patient.maritalStatus"),
    Broken("null in array", patient(name=[None]), "structure", "Patient.name[0]"),
    Broken(
        "null in primitives",
        patient(name=[{"given": ["a", None]}]),
        "structure",
        "Patient.name[0].given[1]",
    ),
    Broken("empty array", patient(name=[]), "structure", "Patient.name"),
    Broken("empty primitives", patient(name=[{"given": []}]), "structure", "Patient.name[0].given"),
    Broken("empty object", patient(name=[{}]), "structure", "Patient.name[0]"),
    Broken("empty string", patient(name=[{"family": ""}]), "value", "Patient.name[0].family"),
    Broken("id too long", patient(id="x" * 65), "value", "Patient.id"),
    Broken("id with a slash", patient(id="a/b"), "value", "Patient.id"),
    Broken("id a number", patient(id=1), "structure", "Patient.id"),
    Broken("30 February", patient(birthDate="2023-02-30"), "value", "Patient.birthDate"),
    Broken("29 February 1900", patient(birthDate="1900-02-29"), "value", "Patient.birthDate"),
    Broken("31 April", patient(birthDate="2023-04-31"), "value", "Patient.birthDate"),
    Broken(
        "missing code",
        {"resourceType": "Observation", "status": "final"},
        "required",
        "Observation.code",
    ),
    Broken(
        "missing nested", patient(link=[{"type": "refer"}]), "required", "Patient.link[0].other"
    ),
    Broken(
        "missing choice",
        {k: v for k, v in dosed(count=1).items() if "Concept" not in k},
        "required",
        "MedicationRequest.medication[x]",
    ),
    Broken(
        "two of a choice",
        observation(valueString="a", valueInteger=1),
        "structure",
        "Observation.value",
    ),
    Broken(
        "choice beside its extension",
        observation(valueString="a", _valueInteger={"id": "x"}),
        "structure",
        "Observation.value",
    ),
    Broken(
        "type not in choice",
        observation(valueMoney={"value": 1}),
        "structure",
        "Observation.valueMoney",
    ),
    Broken("bare choice", observation(value="a"), "structure", "Observation.value"),
    Broken(
        "1.0 is no integer",
        {"resourceType": "Bundle", "type": "searchset", "total": 1.0},
        "value",
        "Bundle.total",
    ),
    Broken(
        "true is no number",
        {"resourceType": "Bundle", "type": "searchset", "total": True},
        "structure",
        "Bundle.total",
    ),
    Broken("extension of no primitive", patient(_name={"id": "x"}), "structure", "Patient._name"),
    Broken("extension a string", patient(_birthDate="x"), "structure", "Patient.birthDate"),
    Broken("extension empty", patient(_birthDate={}), "structure", "Patient.birthDate"),
    Broken(
        "extension with value",
        patient(_birthDate={"value": "2020"}),
        "structure",
        "Patient.birthDate.value",
    ),
    Broken(
        "extension bad inside",
        patient(_birthDate={"extension": [{"url": "x:y", "valueDate": "1"}]}),
        "value",
        "Patient.birthDate.extension[0].value",
    ),
    Broken(
        "extensions no array",
        patient(name=[{"given": ["a"], "_given": {"id": "x"}}]),
        "structure",
        "Patient.name[0].given",
    ),
    Broken(
        "both null",
        patient(name=[{"given": [None, "a"], "_given": [None, {"id": "x"}]}]),
        "structure",
        "Patient.name[0].given[0]",
    ),
    Broken(
        "extension without url",
        patient(extension=[{"valueString": "a"}]),
        "required",
        "Patient.extension[0].url",
    ),
    Broken(
        "extension with nothing",
        patient(extension=[{"url": "x:y"}]),
        "invariant",
        "Patient.extension[0]",
    ),
    Broken(
        "extension with both",
        extended(valueString="a", extension=[{"url": "x:z", "valueString": "b"}]),
        "invariant",
        "Patient.extension[0]",
    ),
    Broken(
        "extended id of element",
        patient(name=[{"_id": {"id": "x"}, "family": "A"}]),
        "structure",
        "Patient.name[0]._id",
    ),
)

CODES = (
    Broken("code", patient(gender="mail"), "code-invalid", "Patient.gender"),
    Broken("code in capitals", observation(status="Final"), "code-invalid", "Observation.status"),
    Broken("nested code", patient(name=[{"use": "nick"}]), "code-invalid", "Patient.name[0].use"),
    Broken(
        "currency",
        {
            "resourceType": "Account",
            "status": "active",
            "extension": [{"url": "x:y", "valueMoney": {"currency": "XXX1"}}],
        },
        "code-invalid",
        "Account.extension[0].value.currency",
    ),
    Broken(
        "concept by text",
        condition(clinicalStatus={"text": "active"}),
        "code-invalid",
        "Condition.clinicalStatus",
    ),
    Broken(
        "concept of other system",
        condition(clinicalStatus={"coding": [{"system": "x:y", "code": "active"}]}),
        "code-invalid",
        "Condition.clinicalStatus",
    ),
    Broken(
        "concept of other code",
        condition(clinicalStatus=terminology("condition-clinical", "activ")),
        "code-invalid",
        "Condition.clinicalStatus",
    ),
)

NESTED = (
    Broken(
        "entry's element",
        bundle("collection", {"resource": patient(active="x")}),
        "structure",
        "Bundle.entry[0].resource.active",
    ),
    Broken(
        "entry's type",
        bundle("collection", {"resource": {"id": "1"}}),
        "structure",
        "Bundle.entry[0].resource.resourceType",
    ),
    Broken(
        "entry's resource a list",
        bundle("collection", {"resource": [patient()]}),
        "structure",
        "Bundle.entry[0].resource",
    ),
    Broken("entry a string", bundle("collection", "x"), "structure", "Bundle.entry[0]"),
    Broken(
        "entry's contained",
        bundle("collection", {"resource": patient(contained=[{"resourceType": "Patient"}])}),
        "required",
        "Bundle.entry[0].resource.contained[0].id",
    ),
    Broken(
        "outcome",
        bundle(
            "batch-response",
            {"response": {"status": "400", "outcome": {"resourceType": "OperationOutcome"}}},
        ),
        "required",
        "Bundle.entry[0].response.outcome.issue",
    ),
    Broken(
        "bundle in bundle",
        bundle("collection", {"resource": bundle("wrong")}),
        "code-invalid",
        "Bundle.entry[0].resource.type",
    ),
    Broken(
        "parameter's resource",
        {
            "resourceType": "Parameters",
            "parameter": [{"name": "a", "part": [{"name": "b", "resource": patient(gender=1)}]}],
        },
        "structure",
        "Parameters.parameter[0].part[0].resource.gender",
    ),
    Broken(
        "contentReference",
        {"resourceType": "Composition"} | {"section": [{"section": [{"title": 1}]}]},
        "structure",
        "Composition.section[0].section[0].title",
    ),
)
