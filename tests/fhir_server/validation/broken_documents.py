"""Bundles, forms, narratives and the like that break an invariant."""

from __future__ import annotations

from tests.fhir_server.validation.rows import (
    Broken,
    bundle,
    narrative,
    patient,
)

DOCUMENTS = (
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
