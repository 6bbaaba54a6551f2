"""Resources that break R4 in one way each: what it is, the resource, issue code and expression."""

from __future__ import annotations

from typing import Any, NamedTuple


class Broken(NamedTuple):
    name: str
    resource: Any
    code: str
    expression: str


def patient(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **elements}


def observation(**elements: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}
    return {"resourceType": "Observation", "status": "final", "code": code, **elements}


def condition(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "subject": {"reference": "Patient/1"}, **elements}


def appointment(**elements: Any) -> dict[str, Any]:
    participant = [{"actor": {"reference": "Patient/1"}, "status": "accepted"}]
    return {"resourceType": "Appointment", "participant": participant, **elements}


def bundle(kind: str, *entries: Any, **elements: Any) -> dict[str, Any]:
    entry = {"entry": list(entries)} if entries else {}
    return {"resourceType": "Bundle", "type": kind, **entry, **elements}


def extended(**value: Any) -> dict[str, Any]:
    return patient(extension=[{"url": "http://example.org/x", **value}])


def terminology(name: str, code: str) -> dict[str, Any]:
    system = f"http://terminology.hl7.org/CodeSystem/{name}"
    return {"coding": [{"system": system, "code": code}]}


def narrative(content: str) -> dict[str, Any]:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{content}</div>'
    return patient(text={"status": "generated", "div": div})


def dosed(**repeat: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "aspirin"},
        "subject": {"reference": "Patient/1"},
        "dosageInstruction": [{"timing": {"repeat": repeat}}],
    }


_CONTAINED = {"resourceType": "Organization", "id": "o", "name": "A"}
_GOOD_TYPES: dict[str, Any] = {
    "Base64Binary": "TWFu",
    "Boolean": True,
    "Canonical": "http://example.org/x",
    "Code": "x",
    "Date": "2024-02-29",
    "DateTime": "2024-02-29T10:00:00Z",
    "Decimal": 1,
    "Id": "x",
    "Instant": "2024-02-29T10:00:00Z",
    "Integer": 1,
    "Markdown": "x",
    "Oid": "urn:oid:1.2",
    "PositiveInt": 1,
    "String": "x",
    "Time": "10:00:00",
    "UnsignedInt": 0,
    "Uri": "x:y",
    "Url": "x:y",
    "Uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
}
EVERY_PRIMITIVE = tuple(_GOOD_TYPES)
_WRONG_KIND = tuple(
    Broken(f"{name} of the wrong JSON kind", extended(**{f"value{name}": wrong}), "structure", "")
    for name, good in _GOOD_TYPES.items()
    for wrong in ([1 if isinstance(good, str) else "1"] if good is not True else ["true"])
)
_BAD_VALUES = tuple(
    Broken(f"{name} {value!r}", extended(**{f"value{name}": value}), "value", "")
    for name, value in (
        ("Base64Binary", "TWF"),
        ("Base64Binary", "T==="),
        ("Canonical", "a b"),
        ("Code", " x"),
        ("Code", "a  b"),
        ("Date", "2023-02-29"),
        ("Date", "2024-13"),
        ("Date", "24-01-01"),
        ("Date", "0000-01-01"),
        ("Date", "2024-01-01T10:00:00Z"),
        ("DateTime", "2024-02-30T10:00:00Z"),
        ("DateTime", "2024-02-03T10:00:00"),
        ("DateTime", "2024-02-03T24:00:00Z"),
        ("DateTime", "2024-02-03T10:00Z"),
        ("Id", "x" * 65),
        ("Id", "a_b"),
        ("Id", "a\n"),
        ("Instant", "2024-02-29"),
        ("Instant", "2024-04-31T10:00:00Z"),
        ("Integer", 2**31),
        ("Markdown", ""),
        ("Oid", "1.2.3"),
        ("PositiveInt", 0),
        ("String", ""),
        ("String", "a\x07"),
        ("Time", "10:00"),
        ("Time", "10:00:00Z"),
        ("UnsignedInt", -1),
        ("Uri", "a b"),
        ("Url", ""),
        ("Uuid", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"),
    )
)
VALUES = tuple(
    row._replace(expression="Patient.extension[0].value") for row in (*_WRONG_KIND, *_BAD_VALUES)
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
        patient(contained=[_CONTAINED], managingOrganization={"reference": "#p"}),
        "invariant",
        "Patient.managingOrganization.reference",
    ),
    Broken(
        "contained target",
        patient(
            contained=[_CONTAINED],
            generalPractitioner=[{"reference": "#o"}],
            link=[{"type": "refer", "other": {"reference": "#o"}}],
        ),
        "value",
        "Patient.link[0].other.reference",
    ),
    Broken(
        "contained in contained",
        patient(
            contained=[{**_CONTAINED, "contained": [_CONTAINED]}],
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
            contained=[{**_CONTAINED, "meta": {"versionId": "1"}}],
            managingOrganization={"reference": "#o"},
        ),
        "invariant",
        "Patient.contained[0].meta.versionId",
    ),
    Broken(
        "contained security",
        patient(
            contained=[{**_CONTAINED, "meta": {"security": [{"code": "R"}]}}],
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
            contained=[{**_CONTAINED, "active": "yes"}], managingOrganization={"reference": "#o"}
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

_PERIOD = {"start": "2024-01-02", "end": "2024-01-01"}
_UCUM = "http://unitsofmeasure.org"
INVARIANTS = (
    Broken("pat-1", patient(contact=[{"gender": "male"}]), "invariant", "Patient.contact[0]"),
    Broken("per-1", patient(name=[{"period": _PERIOD}]), "invariant", "Patient.name[0].period"),
    Broken(
        "per-1 zones",
        patient(
            name=[{"period": {"start": "2024-01-01T10:00:00Z", "end": "2024-01-01T10:30:00+01:00"}}]
        ),
        "invariant",
        "Patient.name[0].period",
    ),
    Broken(
        "per-1 precision",
        patient(name=[{"period": {"start": "2024-01-02", "end": "2023"}}]),
        "invariant",
        "Patient.name[0].period",
    ),
    Broken("cpt-2", patient(telecom=[{"value": "1"}]), "invariant", "Patient.telecom[0]"),
    Broken("att-1", patient(photo=[{"data": "TWFu"}]), "invariant", "Patient.photo[0]"),
    Broken(
        "qty-3",
        observation(valueQuantity={"value": 1, "code": "kg"}),
        "invariant",
        "Observation.value",
    ),
    Broken(
        "rng-2",
        observation(valueRange={"low": {"value": 2}, "high": {"value": 1}}),
        "invariant",
        "Observation.value",
    ),
    Broken(
        "sqty-1",
        observation(valueRange={"low": {"value": 2, "comparator": "<"}}),
        "invariant",
        "Observation.value.low",
    ),
    Broken(
        "rat-1",
        observation(valueRatio={"numerator": {"value": 1}}),
        "invariant",
        "Observation.value",
    ),
    Broken(
        "age-1",
        condition(onsetAge={"value": 0, "system": _UCUM, "code": "a"}),
        "invariant",
        "Condition.onset",
    ),
    Broken("age-1 code", condition(onsetAge={"value": 3}), "invariant", "Condition.onset"),
    Broken(
        "obs-3",
        observation(referenceRange=[{"appliesTo": [{"text": "x"}]}]),
        "invariant",
        "Observation.referenceRange[0]",
    ),
    Broken(
        "obs-6",
        observation(valueString="a", dataAbsentReason={"text": "b"}),
        "invariant",
        "Observation",
    ),
    Broken(
        "obs-7",
        observation(valueString="a", component=[{"code": observation()["code"]}]),
        "invariant",
        "Observation",
    ),
    Broken("con-1", condition(stage=[{"type": {"text": "x"}}]), "invariant", "Condition.stage[0]"),
    Broken(
        "con-4",
        condition(
            clinicalStatus=terminology("condition-clinical", "active"), abatementDateTime="2020"
        ),
        "invariant",
        "Condition",
    ),
    Broken(
        "con-5",
        condition(
            clinicalStatus=terminology("condition-clinical", "active"),
            verificationStatus=terminology("condition-ver-status", "entered-in-error"),
        ),
        "invariant",
        "Condition",
    ),
    Broken(
        "ait-1",
        {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}},
        "invariant",
        "AllergyIntolerance",
    ),
    Broken(
        "app-1",
        appointment(status="proposed", participant=[{"status": "accepted"}]),
        "invariant",
        "Appointment.participant[0]",
    ),
    Broken(
        "app-2",
        appointment(status="proposed", start="2024-01-01T10:00:00Z"),
        "invariant",
        "Appointment",
    ),
    Broken("app-3", appointment(status="booked"), "invariant", "Appointment"),
    Broken(
        "app-4",
        appointment(status="proposed", cancelationReason={"text": "x"}),
        "invariant",
        "Appointment",
    ),
    Broken(
        "tim-1",
        dosed(duration=1),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken(
        "tim-2",
        dosed(period=1),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken(
        "tim-4",
        dosed(duration=-1, durationUnit="h"),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken(
        "tim-9",
        dosed(offset=1, when=["C"]),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken(
        "tim-10",
        dosed(timeOfDay=["10:00:00"], when=["AC"]),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken("org-1", {"resourceType": "Organization", "active": True}, "invariant", "Organization"),
    Broken(
        "org-2",
        {"resourceType": "Organization", "name": "A", "address": [{"use": "home"}]},
        "invariant",
        "Organization.address[0]",
    ),
    Broken(
        "lnk-1",
        {"resourceType": "Linkage", "item": [{"type": "source", "resource": {"display": "x"}}]},
        "invariant",
        "Linkage",
    ),
    Broken(
        "inv-1",
        {"resourceType": "Parameters", "parameter": [{"name": "a"}]},
        "invariant",
        "Parameters.parameter[0]",
    ),
    Broken(
        "qrs-1",
        {
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "item": [{"linkId": "1", "answer": [{"valueString": "a"}], "item": [{"linkId": "2"}]}],
        },
        "invariant",
        "QuestionnaireResponse.item[0]",
    ),
    Broken(
        "que-1",
        {
            "resourceType": "Questionnaire",
            "status": "draft",
            "item": [{"linkId": "1", "type": "group"}],
        },
        "invariant",
        "Questionnaire.item[0]",
    ),
    Broken(
        "que-2",
        {
            "resourceType": "Questionnaire",
            "status": "draft",
            "item": [{"linkId": "1", "type": "string"}] * 2,
        },
        "invariant",
        "Questionnaire",
    ),
    Broken(
        "que-7",
        {
            "resourceType": "Questionnaire",
            "status": "draft",
            "item": [
                {
                    "linkId": "1",
                    "type": "string",
                    "enableWhen": [{"question": "2", "operator": "exists", "answerInteger": 1}],
                }
            ],
        },
        "invariant",
        "Questionnaire.item[0].enableWhen[0]",
    ),
    Broken(
        "que-10",
        {
            "resourceType": "Questionnaire",
            "status": "draft",
            "item": [{"linkId": "1", "type": "date", "maxLength": 3}],
        },
        "invariant",
        "Questionnaire.item[0]",
    ),
    Broken(
        "cpb-14",
        {
            "resourceType": "CapabilityStatement",
            "status": "draft",
            "date": "2024",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "description": "x",
            "rest": [{"mode": "server"}],
        },
        "invariant",
        "CapabilityStatement",
    ),
    Broken(
        "csd-1",
        {
            "resourceType": "CodeSystem",
            "status": "draft",
            "content": "complete",
            "concept": [{"code": "a", "concept": [{"code": "a"}]}],
        },
        "invariant",
        "CodeSystem",
    ),
    Broken("bdl-1", bundle("batch", total=1), "invariant", "Bundle"),
    Broken(
        "bdl-2",
        bundle("collection", {"resource": patient(), "search": {"mode": "match"}}),
        "invariant",
        "Bundle",
    ),
    Broken("bdl-3", bundle("transaction", {"resource": patient()}), "invariant", "Bundle"),
    Broken("bdl-4", bundle("batch-response", {"resource": patient()}), "invariant", "Bundle"),
    Broken(
        "bdl-5",
        bundle("collection", {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}),
        "invariant",
        "Bundle.entry[0]",
    ),
    Broken(
        "bdl-7",
        bundle("collection", *[{"fullUrl": "http://x.org/Patient/1", "resource": patient()}] * 2),
        "invariant",
        "Bundle",
    ),
    Broken(
        "bdl-8",
        bundle(
            "collection", {"fullUrl": "http://x.org/Patient/1/_history/1", "resource": patient()}
        ),
        "invariant",
        "Bundle.entry[0]",
    ),
    Broken(
        "bdl-9",
        bundle("document", {"resource": patient()}, timestamp="2024-01-01T10:00:00Z"),
        "invariant",
        "Bundle",
    ),
    Broken("txt-1 script", narrative("<script>alert(1)</script>"), "invariant", "Patient.text.div"),
    Broken("txt-1 event", narrative('<p onclick="x()">a</p>'), "invariant", "Patient.text.div"),
    Broken(
        "txt-1 scheme",
        narrative('<a href="java\nscript:x()">a</a>'),
        "invariant",
        "Patient.text.div",
    ),
    Broken("txt-1 form", narrative("<form><p>a</p></form>"), "invariant", "Patient.text.div"),
    Broken("txt-1 open", narrative("<p>a"), "invariant", "Patient.text.div"),
    Broken(
        "txt-1 namespace",
        patient(text={"status": "generated", "div": "<div>a</div>"}),
        "invariant",
        "Patient.text.div",
    ),
    Broken(
        "txt-1 doctype",
        patient(
            text={
                "status": "generated",
                "div": '<!DOCTYPE div [<!ENTITY a "b">]><div xmlns="http://www.w3.org/1999/xhtml">&a;</div>',
            }
        ),
        "invariant",
        "Patient.text.div",
    ),
    Broken("txt-2", narrative("  "), "invariant", "Patient.text.div"),
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

BROKEN = (*VALUES, *STRUCTURES, *CODES, *REFERENCES, *INVARIANTS, *NESTED)
GOOD_VALUES = tuple(extended(**{f"value{name}": value}) for name, value in _GOOD_TYPES.items())
