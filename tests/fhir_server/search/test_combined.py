"""Composites, places and words in memory, https://hl7.org/fhir/R4/search.html#combining."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions import structures
from fhir_server.errors import Invalid, InvalidParameter
from fhir_server.search.entry import entry
from fhir_server.search.fields import fields
from fhir_server.search.match import match
from fhir_server.search.parse import parse
from fhir_server.search.types import parts
from tests.fhir_server.search.combined import CASES, LOINC, RESOURCES


@pytest.mark.parametrize(("kind", "name", "value", "expected"), CASES)
def test_what_is_found_lies_together(kind: str, name: str, value: str, expected: str) -> None:
    query = parse(kind, [(name, value)])
    found = [each["id"] for each in RESOURCES if match(query, entry(each))]
    assert sorted(found) == sorted(expected.split())


@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [
        ("Observation", "code-value-quantity", "a", r"write code\$value-quantity"),
        ("Observation", "code-value-quantity", "a$1$2", "2 parts"),
        ("Observation", "code-value-quantity", "a$", "2 parts"),
        ("Observation", "code-value-quantity", "a\\$1", "2 parts"),
        ("Observation", "code-value-quantity", "a$much", "value-quantity"),
        ("Observation", "code-value-quantity:exact", "a$1", ":missing"),
        ("MolecularSequence", "chromosome-window-coordinate", "17$1", "3 parts"),
        ("Location", "_profile:below", "http://p/" + "x" * 600, "at most"),
        ("Location", "near", "48.2", "latitude"),
        ("Location", "near", "48.2|16|1|km|x", "latitude"),
        ("Location", "near", "91|16", "between -90 and 90"),
        ("Location", "near", "48|181", "between -180 and 180"),
        ("Location", "near", "nan|16", "latitude"),
        ("Location", "near", "48|16|-1", "distance"),
        ("Location", "near", "48|16|far", "distance"),
        ("Location", "near", "48|16||km", "no distance"),
        ("Location", "near", "48|16|1|parsec", "no unit"),
        ("Location", "near:exact", "48|16", ":missing"),
        ("Location", "_sort", "near", "means nothing"),
        ("Location", "_sort", "_text", "means nothing"),
        ("Location", "_text", "...", "one word"),
        ("Location", "_content", '""', "one word"),
        ("Location", "_text:missing", "true", "no modifier"),
        ("Location", "_content:exact", "x", "no modifier"),
    ],
)
def test_what_means_nothing_is_refused_with_the_right_form(
    kind: str, name: str, value: str, words: str
) -> None:
    with pytest.raises(InvalidParameter, match=words):
        parse(kind, [(name, value)])


def test_every_composite_of_r4_can_be_searched() -> None:
    left = [
        field.prefix
        for kind in structures.resource_types()
        for field in fields(kind).values()
        if field.type == "composite" and not parts.groups(field)
    ]
    assert left == []


def test_composites_over_the_same_element_share_their_rows() -> None:
    listed = fields("Observation")
    combo = parts.groups(listed["combo-code-value-quantity"])
    own = parts.groups(listed["code-value-quantity"])
    component = parts.groups(listed["component-code-value-quantity"])
    shapes = [tuple(part.field.prefix for part in group.parts) for group in combo]
    assert shapes == [tuple(part.field.prefix for part in each.parts) for each in own + component]
    for resource in RESOURCES:
        numbers = entry(resource).numbers
        assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("longitude", [-181, 179, 539, 1e50])
def test_longitudes_are_turned_into_the_usual_range_or_left_out(longitude: float) -> None:
    place = {"resourceType": "Location", "position": {"latitude": 1, "longitude": longitude}}
    found = match(parse("Location", [("near", "1|179|1")]), entry(place))
    assert found is (longitude in (-181, 179))


def test_codings_that_would_stall_a_write_are_refused() -> None:
    def observation(number: int) -> dict[str, Any]:
        concept = {"coding": [{"system": LOINC, "code": str(each)} for each in range(number)]}
        return {
            "resourceType": "Observation",
            "id": "1",
            "code": concept,
            "valueCodeableConcept": concept,
        }

    assert entry(observation(30)).terms
    with pytest.raises(Invalid, match="fewer codings"):
        entry(observation(1000))
