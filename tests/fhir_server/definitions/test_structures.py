"""The table of types and elements, https://hl7.org/fhir/R4/structuredefinition.html."""

from __future__ import annotations

import re

import pytest

from fhir_server.definitions import structures
from fhir_server.definitions.structures import Element


def all_elements() -> list[Element]:
    paths = list(structures.type_names())
    found: list[Element] = []
    for path in paths:
        below = structures.elements(path).values()
        found.extend(below)
        paths.extend(element.path for element in below if element.content == element.path)
    return found


def test_r4_has_146_concrete_resource_types_in_order() -> None:
    names = structures.resource_types()
    assert len(names) == 146
    assert list(names) == sorted(names)


@pytest.mark.parametrize("name", ["Patient", "Bundle", "Parameters", "Binary"])
def test_a_concrete_resource_type_is_one(name: str) -> None:
    assert structures.is_resource_type(name)


@pytest.mark.parametrize("name", ["Resource", "DomainResource", "HumanName", "patient", "", "Ward"])
def test_abstract_types_datatypes_and_strangers_are_no_resource_types(name: str) -> None:
    assert not structures.is_resource_type(name)


@pytest.mark.parametrize(
    ("name", "kind", "parent"),
    [
        ("Patient", "resource", "DomainResource"),
        ("Bundle", "resource", "Resource"),
        ("Resource", "resource", ""),
        ("HumanName", "complex-type", "Element"),
        ("Age", "complex-type", "Quantity"),
        ("Timing", "complex-type", "BackboneElement"),
        ("code", "primitive-type", "string"),
        ("xhtml", "primitive-type", "Element"),
    ],
)
def test_a_type_has_a_kind_and_a_parent(name: str, kind: str, parent: str) -> None:
    assert structures.kind(name) == kind
    assert structures.parent(name) == parent


@pytest.mark.parametrize("name", ["Definition", "MetadataResource", "SimpleQuantity", "bp"])
def test_patterns_and_profiles_are_no_types(name: str) -> None:
    with pytest.raises(KeyError):
        structures.kind(name)


def test_an_unknown_path_has_no_elements() -> None:
    with pytest.raises(KeyError):
        structures.elements("Patient.name")


def test_birth_date_is_an_optional_date_of_the_summary() -> None:
    element = structures.elements("Patient")["birthDate"]
    assert (element.min, element.max, element.types) == (0, 1, ("date",))
    assert element.summary
    assert not element.modifier
    assert not element.choice


def test_status_is_a_required_modifier_with_a_required_binding() -> None:
    status = structures.elements("Observation")["status"]
    assert (status.min, status.modifier) == (1, True)
    assert status.binding == "http://hl7.org/fhir/ValueSet/observation-status"


def test_only_required_bindings_are_kept() -> None:
    assert structures.elements("Observation")["category"].binding is None


def test_inherited_elements_stand_with_the_own() -> None:
    names = set(structures.elements("Patient"))
    assert names >= {"id", "meta", "text", "contained", "extension", "modifierExtension"}
    assert "contained" not in structures.elements("Bundle")


def test_references_name_their_targets_and_none_when_any() -> None:
    assert structures.elements("Patient")["managingOrganization"].targets == ("Organization",)
    assert structures.elements("Provenance")["target"].targets == ()
    # Their targets are the patterns Definition and Request, which list no types.
    assert structures.elements("Task")["basedOn"].targets == ()


@pytest.mark.parametrize(
    ("path", "name", "type_code"),
    [
        ("Patient", "id", "id"),
        ("Element", "id", "string"),
        ("Patient.contact", "id", "string"),
        ("Extension", "url", "uri"),
        ("positiveInt", "value", "positiveInt"),
        ("Narrative", "div", "xhtml"),
    ],
)
def test_system_types_have_their_fhir_names(path: str, name: str, type_code: str) -> None:
    assert structures.elements(path)[name].types == (type_code,)


def test_choices_are_expanded_by_json_name() -> None:
    named = structures.json_elements("Observation")
    element, type_code = named["valueQuantity"]
    assert (element.name, element.choice, type_code) == ("value[x]", True, "Quantity")
    assert named["valueDateTime"][1] == "dateTime"
    assert named["code"][1] == "CodeableConcept"


@pytest.mark.parametrize("name", ["value", "value[x]", "valueMoney", "_status", "resourceType"])
def test_other_names_are_no_json_names(name: str) -> None:
    assert name not in structures.json_elements("Observation")


def test_a_specialized_quantity_keeps_its_name_in_json() -> None:
    assert structures.json_elements("Condition")["onsetAge"][1] == "Age"


def test_an_extension_takes_all_50_open_types() -> None:
    choices = [each for each in structures.json_elements("Extension").values() if each[0].choice]
    assert len(choices) == 50


def test_children_continue_in_the_backbone_the_referred_path_or_the_datatype() -> None:
    patient = structures.elements("Patient")
    assert structures.child_path(patient["contact"], "BackboneElement") == "Patient.contact"
    assert structures.child_path(patient["name"], "HumanName") == "HumanName"
    exclude = structures.elements("ValueSet.compose")["exclude"]
    assert structures.child_path(exclude, exclude.types[0]) == "ValueSet.compose.include"
    repeat = structures.elements("Timing")["repeat"]
    assert structures.child_path(repeat, "Element") == "Timing.repeat"


def test_every_type_target_and_child_path_resolves() -> None:
    for element in all_elements():
        assert element.types, element.path
        for type_code in element.types:
            assert structures.elements(structures.child_path(element, type_code)), element.path
        for target in element.targets:
            assert structures.is_resource_type(target), element.path


def test_only_references_and_canonicals_have_targets() -> None:
    for element in all_elements():
        assert not element.targets or {"Reference", "canonical"} & set(element.types), element.path


def test_every_primitive_type_but_xhtml_has_a_pattern_that_compiles() -> None:
    primitive = {n for n in structures.type_names() if structures.kind(n) == "primitive-type"}
    assert len(primitive) == 20
    patterns = {name: structures.primitive_regex(name) for name in primitive}
    assert {name for name, pattern in patterns.items() if pattern is None} == {"xhtml"}
    assert all(re.compile(pattern) for pattern in patterns.values() if pattern is not None)


@pytest.mark.parametrize(
    ("name", "json_kind"),
    [
        ("boolean", "boolean"),
        ("integer", "number"),
        ("positiveInt", "number"),
        ("unsignedInt", "number"),
        ("decimal", "number"),
        ("date", "string"),
        ("xhtml", "string"),
        ("HumanName", None),
    ],
)
def test_json_writes_a_primitive_as_its_kind(name: str, json_kind: str | None) -> None:
    assert structures.json_kind(name) == json_kind
