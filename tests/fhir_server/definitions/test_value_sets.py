"""The codes of required bindings, https://hl7.org/fhir/R4/terminologies.html#required."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fhir_server.definitions import structures, value_sets

HL7 = "http://hl7.org/fhir/ValueSet/"


def codes_of(name: str) -> Mapping[str, frozenset[str]]:
    codes = value_sets.codes(HL7 + name)
    assert codes is not None
    return codes


def test_administrative_gender_has_four_codes() -> None:
    assert codes_of("administrative-gender") == {
        "http://hl7.org/fhir/administrative-gender": {"male", "female", "other", "unknown"}
    }


def test_codes_below_others_count() -> None:
    clinical = codes_of("condition-clinical")
    (codes,) = clinical.values()
    assert codes == {"active", "recurrence", "relapse", "inactive", "remission", "resolved"}


def test_observation_status_has_eight_codes() -> None:
    assert [len(codes) for codes in codes_of("observation-status").values()] == [8]


def test_resource_types_are_the_concrete_and_the_two_abstract_ones() -> None:
    (codes,) = codes_of("resource-types").values()
    assert codes == {*structures.resource_types(), "Resource", "DomainResource"}


def test_defined_types_are_datatypes_and_resource_types_and_all_types_the_abstract_too() -> None:
    assert {system.rpartition("/")[2] for system in codes_of("defined-types")} == {
        "data-types",
        "resource-types",
    }
    abstract = codes_of("all-types")["http://hl7.org/fhir/abstract-types"]
    assert abstract == {"Type", "Any"}


def test_listed_concepts_are_not_the_whole_code_system() -> None:
    (codes,) = codes_of("units-of-time").values()
    assert codes == {"s", "min", "h", "d", "wk", "mo", "a"}


def test_currencies_are_enumerated() -> None:
    (codes,) = codes_of("currencies").values()
    assert {"EUR", "USD", "JPY"} <= codes
    assert all(len(code) == 3 and code.isupper() for code in codes)


def test_what_r4_cannot_enumerate_is_none() -> None:
    open_ended = {url for url in value_sets.urls() if value_sets.codes(url) is None}
    assert open_ended == {HL7 + "mimetypes", HL7 + "ucum-units", "http://loinc.org/vs/LL379-9"}


def test_every_enumerated_value_set_has_codes() -> None:
    for url in value_sets.urls():
        codes = value_sets.codes(url)
        assert codes is None or all(codes.values()), url


def test_every_required_binding_is_in_the_table() -> None:
    for name in structures.type_names():
        for element in structures.elements(name).values():
            assert element.binding is None or element.binding in value_sets.urls(), element.path


def test_an_unbound_value_set_is_unknown() -> None:
    with pytest.raises(KeyError):
        value_sets.codes(HL7 + "observation-codes")
