"""Content negotiation, _summary and _elements."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fhir_server.errors import InvalidParameter, NotAcceptable, UnsupportedMediaType
from fhir_server.rest.formats import content_kind, elements, negotiate, summarise

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "text": {"status": "generated", "div": "<div/>"},
    "modifierExtension": [{"url": "u", "valueString": "not"}],
    "extension": [{"url": "u"}],
    "status": "final",
    "code": {"text": "weight", "extension": [{"url": "u"}]},
    "issued": "2020-01-01T00:00:00Z",
    "_issued": {"id": "x"},
    "valueQuantity": {"value": 1},
    "note": [{"text": "n"}],
    "component": [{"code": {"text": "c"}, "dataAbsentReason": {"text": "u"}, "valueInteger": 1}],
}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("application/fhir+json", "json"),
        ("application/json; charset=UTF-8", "json"),
        ("text/json", "json"),
        ("application/fhir+xml", "xml"),
        ("Application/XML", "xml"),
        ("text/xml;q=0.1", "xml"),
        ("application/fhir+xml; fhirVersion=4.0", "xml"),
        ("application/fhir+xml, */*", "xml"),
        ("application/fhir+xml;q=0.5, application/fhir+json;q=0.9", "json"),
        ("application/fhir+json;q=0, */*", "xml"),
        ("text/html, */*;q=0.1", "json"),
    ],
)
def test_the_best_format_that_the_client_accepts_is_chosen(accept: str, kind: str) -> None:
    assert negotiate(accept, None) == kind


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "image/*",
        "application/fhir+json;q=0",
        "application/fhir+json;q=x",
        "application/fhir+json; fhirVersion=3.0",
        "application/json; charset=latin-1",
        "*/*;q=0",
    ],
)
def test_other_formats_are_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        negotiate(accept, None)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("json", "json"),
        ("xml", "xml"),
        ("application/fhir+xml", "xml"),
        ("application/fhir json", "json"),
        ("text/xml", "xml"),
    ],
)
def test_the_format_parameter_wins_over_the_header(value: str, kind: str) -> None:
    assert negotiate("text/html", value) == kind


@pytest.mark.parametrize("value", ["ttl", "html", "application/fhir+json;fhirVersion=5.0"])
def test_an_unknown_format_parameter_is_not_acceptable(value: str) -> None:
    with pytest.raises(NotAcceptable):
        negotiate("*/*", value)


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/fhir+json", "json"),
        ('application/json; charset="UTF-8"', "json"),
        ("application/fhir+xml;fhirVersion=4.0", "xml"),
        ("application/json-patch+json", "json-patch"),
        ("application/x-www-form-urlencoded", "form"),
        ("application/fhir+ndjson", "ndjson"),
    ],
)
def test_the_content_type_tells_what_is_sent(content_type: str, kind: str) -> None:
    assert content_kind(content_type) == kind


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/fhir+json; charset=utf-16",
        "application/fhir+json; fhirVersion=5.0",
        "application/xml-patch+xml",
    ],
)
def test_other_content_types_are_unsupported(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        content_kind(content_type)


def test_summary_true_keeps_summary_mandatory_and_modifier_elements() -> None:
    before = copy.deepcopy(OBSERVATION)
    left = summarise(OBSERVATION, "true")
    assert before == OBSERVATION
    assert list(left) == [
        "resourceType",
        "id",
        "meta",
        "modifierExtension",
        "status",
        "code",
        "issued",
        "_issued",
        "valueQuantity",
        "component",
    ]
    assert left["modifierExtension"] == OBSERVATION["modifierExtension"]
    assert left["code"] == {"text": "weight"}
    assert left["meta"] == {"tag": [SUBSETTED]}


def test_summary_true_narrows_the_resources_of_a_bundle() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": OBSERVATION}]}
    (entry,) = summarise(bundle, "true")["entry"]
    assert "note" not in entry["resource"]
    assert entry["resource"]["status"] == "final"


def test_summary_text_keeps_the_narrative_and_what_is_mandatory() -> None:
    left = summarise(OBSERVATION, "text")
    assert set(left) == {
        *("resourceType", "id", "meta", "text", "modifierExtension", "status", "code")
    }


def test_summary_data_drops_the_narrative_only() -> None:
    left = summarise(OBSERVATION, "data")
    assert OBSERVATION.keys() - left.keys() == {"text"}
    assert left["meta"]["tag"] == [SUBSETTED]


def test_summary_count_drops_the_entries_of_a_bundle() -> None:
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": 5, "entry": [{}]}
    assert summarise(bundle, "count") == {"resourceType": "Bundle", "type": "searchset", "total": 5}


def test_summary_false_leaves_all() -> None:
    assert summarise(OBSERVATION, "false") == OBSERVATION


def test_another_summary_is_refused() -> None:
    with pytest.raises(InvalidParameter):
        summarise(OBSERVATION, "spam")


def test_the_tag_is_added_to_those_there_and_only_once() -> None:
    tagged = {**OBSERVATION, "meta": {"versionId": "1", "tag": [{"code": "x"}]}}
    left = summarise(tagged, "data")
    assert left["meta"] == {"versionId": "1", "tag": [{"code": "x"}, SUBSETTED]}
    assert summarise(left, "data") == left
    assert tagged["meta"] == {"versionId": "1", "tag": [{"code": "x"}]}


@pytest.mark.parametrize("name", ["value", "value[x]", "valueQuantity", "Observation.value"])
def test_elements_keeps_the_named_and_those_a_reader_needs(name: str) -> None:
    left = elements(OBSERVATION, (name,))
    assert left["valueQuantity"] == {"value": 1}
    assert left["status"] == "final"
    assert left["modifierExtension"] == OBSERVATION["modifierExtension"]
    assert left["meta"] == {"tag": [SUBSETTED]}
    assert "note" not in left
    assert "issued" not in left


def test_elements_that_the_type_does_not_have_select_nothing() -> None:
    assert "note" not in elements(OBSERVATION, ("spam", "Patient.note"))
