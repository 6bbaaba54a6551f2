"""A name says what is in it; some words never do."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from tests.rules.sources import definitions, python_sources

EMPTY_WORDS = {
    *("base", "common", "data", "helper", "helpers", "impl", "info", "manager", "misc"),
    *("process", "processor", "service", "services", "util", "utils"),
}
# Words of a specification, with the place that speaks it.
SPOKEN = {
    "fhir_server/definitions/search_parameters.py:_by_base",  # SearchParameter.base
    "fhir_server/rest/bundle.py:base",  # the base URL
}
WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def empty_words(name: str) -> set[str]:
    return {word.lower() for word in WORD.findall(name)} & EMPTY_WORDS


def test_no_module_function_or_class_has_an_empty_name() -> None:
    product = [source for source in python_sources() if source.in_product]
    modules = [source.path for source in product if empty_words(PurePosixPath(source.path).stem)]
    named = [
        place
        for source in product
        for place, node in definitions(source)
        if empty_words(node.name) or node.name.startswith("do_")
    ]
    assert {*modules, *named} - SPOKEN == set()


@pytest.mark.parametrize("name", ["PatientManager", "date_utils", "process_bundle", "BaseModel"])
def test_empty_names_are_found(name: str) -> None:
    assert empty_words(name)


@pytest.mark.parametrize("name", ["database", "informed", "processed"])
def test_words_that_only_look_alike_are_left_alone(name: str) -> None:
    assert not empty_words(name)
