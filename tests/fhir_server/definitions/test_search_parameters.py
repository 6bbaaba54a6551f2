"""The table of search parameters, https://hl7.org/fhir/R4/searchparameter-registry.html."""

from __future__ import annotations

import pytest

from fhir_server.definitions import search_parameters, structures

PREFIX = "http://hl7.org/fhir/SearchParameter/"


def test_r4_has_1400_search_parameters() -> None:
    assert len(search_parameters.urls()) == 1400


def test_a_type_has_its_own_and_its_ancestors_parameters() -> None:
    named = search_parameters.parameters("Patient")
    assert named["birthdate"].type == "date"
    assert named["_id"].base == ("Resource",)
    assert named["_text"].base == ("DomainResource",)


def test_a_type_that_is_no_domain_resource_lacks_its_parameters() -> None:
    named = search_parameters.parameters("Bundle")
    assert "_id" in named
    assert "_text" not in named


def test_another_types_parameter_is_not_listed() -> None:
    assert "birthdate" not in search_parameters.parameters("Observation")


def test_an_unknown_type_has_no_parameters() -> None:
    with pytest.raises(KeyError):
        search_parameters.parameters("Ward")


def test_hl7s_examples_do_not_replace_the_real_parameters() -> None:
    assert search_parameters.parameters("Patient")["_id"].url == PREFIX + "Resource-id"
    subject = search_parameters.parameters("Condition")["subject"]
    assert subject.url == PREFIX + "Condition-subject"
    assert search_parameters.by_url(PREFIX + "example").code == "_id"


def test_a_reference_parameter_names_its_targets() -> None:
    assert search_parameters.parameters("Account")["owner"].targets == ("Organization",)


def test_a_composite_names_its_components() -> None:
    composite = search_parameters.parameters("Observation")["code-value-quantity"]
    assert composite.components == (
        (PREFIX + "clinical-code", "code"),
        (PREFIX + "Observation-value-quantity", "value.as(Quantity)"),
    )


def test_every_component_is_a_parameter() -> None:
    for url in search_parameters.urls():
        for component, _ in search_parameters.by_url(url).components:
            assert component in search_parameters.urls()


def test_every_listed_parameter_but_six_has_an_expression() -> None:
    without = {
        (name, parameter.code)
        for name in ("Resource", "DomainResource", *structures.resource_types())
        for parameter in search_parameters.parameters(name).values()
        if not parameter.expression and name in parameter.base
    }
    assert without == {
        ("Resource", "_content"),
        ("Resource", "_filter"),
        ("Resource", "_query"),
        ("DomainResource", "_text"),
        ("Patient", "age"),
        ("Patient", "birthOrderBoolean"),
    }


def test_every_target_and_type_is_a_resource_type() -> None:
    known = {*structures.resource_types(), "Resource", "DomainResource"}
    for url in search_parameters.urls():
        parameter = search_parameters.by_url(url)
        assert known.issuperset(parameter.base), url
        assert known.issuperset(parameter.targets), url
